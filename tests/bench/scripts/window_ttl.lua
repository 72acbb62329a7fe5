-- What one writes by hand with less care: the window ends when its key expires, to the millisecond.
-- KEYS: count   ARGV: limit, period (ms)
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local limit = tonumber(ARGV[1])
local count = tonumber(redis.call('GET', KEYS[1]) or 0)
if count >= limit then
  local left = redis.call('PTTL', KEYS[1]) * 1000
  return {0, 0, left, left}
end
count = redis.call('INCRBY', KEYS[1], 1)
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {1, limit - count, 0, redis.call('PTTL', KEYS[1]) * 1000}
