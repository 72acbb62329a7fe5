-- window_state: Takes value apart into ends and counted.
local ends, counted = tonumber(string.sub(value, 1, 16)), tonumber(string.sub(value, 17))
if string.find(value, '%D') or not (ends and counted and ends >= 1000000000000000 and ends < 9007199254740992 and counted >= 0) then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
