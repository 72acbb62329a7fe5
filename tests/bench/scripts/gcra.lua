-- What one writes by hand: GCRA by the server's clock, one integer of state.
-- KEYS: theoretical arrival time (us)   ARGV: interval (us), burst x interval (us)
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local tat = tonumber(redis.call('GET', KEYS[1]) or now)
if tat < now then tat = now end
local debt = tat - now
if debt + interval > capacity then
  return {0, math.floor((capacity - debt) / interval), debt + interval - capacity, debt}
end
debt = debt + interval
redis.call('SET', KEYS[1], now + debt, 'PX', math.ceil(debt / 1000))
return {1, math.floor((capacity - debt) / interval), 0, debt}
