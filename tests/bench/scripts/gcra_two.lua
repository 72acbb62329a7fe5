-- What one writes by hand for two limits, all or nothing: gcra.lua twice, looked at before either is charged.
-- KEYS: two theoretical arrival times (us)   ARGV: interval (us), burst x interval (us), the same of the second
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function look(key, interval, capacity)
  local tat = tonumber(redis.call('GET', key) or now)
  local debt = tat > now and tat - now or 0
  return debt, debt + interval - capacity
end
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval_too, capacity_too = tonumber(ARGV[3]), tonumber(ARGV[4])
local debt, over = look(KEYS[1], interval, capacity)
local debt_too, over_too = look(KEYS[2], interval_too, capacity_too)
local retry = math.max(over, over_too, 0)
if retry == 0 then
  debt, debt_too = debt + interval, debt_too + interval_too
  redis.call('SET', KEYS[1], now + debt, 'PX', math.ceil(debt / 1000))
  redis.call('SET', KEYS[2], now + debt_too, 'PX', math.ceil(debt_too / 1000))
end
local remaining = math.min(math.floor((capacity - debt) / interval), math.floor((capacity_too - debt_too) / interval_too))
return {retry == 0 and 1 or 0, remaining, retry, math.max(debt, debt_too)}
