-- counter_state: Takes value apart into begun, counted and before.
local slash = string.find(value, '/', 17, true) or 0
local begun, counted = tonumber(string.sub(value, 1, 16)), tonumber(string.sub(value, 17, slash - 1))
local before = tonumber(string.sub(value, slash + 1))
if string.find(value, '[^%d/]') or not (begun and counted and before and begun >= 1000000000000000 and begun < 9007199254740992) then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
