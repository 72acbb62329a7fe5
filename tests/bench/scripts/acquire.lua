-- What one writes by hand: permits in a sorted set by when they end, each with the moment of its hit as the id.
-- KEYS: permits   ARGV: limit, lease (us), count
-- REPLY: allowed, remaining, retry_after (us), reset_after (us), id
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, lease, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local used = redis.call('ZCARD', KEYS[1])
if used + count > limit then
  local opens = redis.call('ZRANGE', KEYS[1], used + count - limit - 1, used + count - limit - 1, 'WITHSCORES')[2]
  local latest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
  return {0, limit - used, opens - now, latest - now, 0}
end
for number = 1, count do
  redis.call('ZADD', KEYS[1], now + lease, string.format('%.0f:%d', now, number))
end
redis.call('PEXPIRE', KEYS[1], math.ceil(lease / 1000))
return {1, limit - used - count, 0, lease, now}
