-- What one writes by hand: the moment of each hit in a list, oldest first.
-- KEYS: moments (us)   ARGV: limit, period (us), cost
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, period, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and oldest + period <= now do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end
local used = redis.call('LLEN', KEYS[1])
if used + cost > limit then
  local opens = redis.call('LINDEX', KEYS[1], used + cost - limit - 1)
  local newest = redis.call('LINDEX', KEYS[1], -1)
  return {0, limit - used, opens + period - now, newest + period - now}
end
for _ = 1, cost do
  redis.call('RPUSH', KEYS[1], now)
end
redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
return {1, limit - used - cost, 0, period}
