-- counter_state: Takes value apart into begun, counted and before.
local begun, counted, before = string.match(value, '^(%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d+)/(%d+)$')
begun, counted, before = tonumber(begun), tonumber(counted), tonumber(before)
if not (begun and begun >= 1000000000000000 and begun < 9007199254740992) then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
