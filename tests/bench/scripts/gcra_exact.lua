-- What one writes by hand for a rate whose interval is no whole number of microseconds: as gcra.lua, with the remainder in
-- parts of a microsecond as the last three digits of the state.
-- KEYS: theoretical arrival time   ARGV: interval (us), its remainder, parts, burst x interval (us)
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, rest_of_interval, parts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local capacity = tonumber(ARGV[4])
local value = redis.call('GET', KEYS[1])
local debt, rest = 0, 0
if value then
  debt, rest = tonumber(string.sub(value, 1, 16)) - now, tonumber(string.sub(value, 17))
  if debt < 0 then debt, rest = 0, 0 end
end
local exact = interval + rest_of_interval / parts
local after, rest_after = debt + interval, rest + rest_of_interval
if rest_after >= parts then after, rest_after = after + 1, rest_after - parts end
if after > capacity or (after == capacity and rest_after > 0) then
  return {0, math.floor((capacity - debt) / exact), after - capacity + 1, debt}
end
redis.call('SET', KEYS[1], string.format('%.0f%03d', now + after, rest_after), 'PX', math.ceil(after / 1000))
return {1, math.floor((capacity - after) / exact), 0, after}
