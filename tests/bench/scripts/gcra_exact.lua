-- What one writes by hand for a rate whose interval is no whole number of microseconds: as gcra.lua, in parts of a
-- microsecond, with the remainder as the last three digits of the state.
-- KEYS: theoretical arrival time   ARGV: parts of a us, interval (parts), burst x interval (parts)
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local parts, interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local value = redis.call('GET', KEYS[1])
local debt = 0
if value then debt = math.max(0, (string.sub(value, 1, 16) - now) * parts + string.sub(value, 17)) end
local over = debt + interval - capacity
if over > 0 then
  return {0, math.floor((capacity - debt) / interval), math.ceil(over / parts), math.ceil(debt / parts)}
end
debt = debt + interval
local whole = math.floor(debt / parts)
redis.call('SET', KEYS[1], string.format('%.0f%03d', now + whole, debt - whole * parts), 'PX', math.ceil(debt / parts / 1000))
return {1, math.floor((capacity - debt) / interval), 0, math.ceil(debt / parts)}
