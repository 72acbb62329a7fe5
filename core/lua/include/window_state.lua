-- window_state: Takes value apart into ends and counted.
local ends, counted = 0, 0
if #value > 16 and string.find(value, '^%d+$') then ends, counted = string.sub(value, 1, 16) + 0, string.sub(value, 17) + 0 end
if ends < 1000000000000000 or ends >= 9007199254740992 or counted >= 9007199254740992 then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
