-- What one writes by hand: a window that ends at the next multiple of its period, looked at before it is charged, with its
-- own end in the value.
-- KEYS: end (us) and count   ARGV: limit, period (us)
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit = tonumber(ARGV[1])
local left, count = ARGV[2] - now % ARGV[2], 0
local value = redis.call('GET', KEYS[1])
if value and tonumber(string.sub(value, 1, 16)) > now then count = tonumber(string.sub(value, 17)) end
if count >= limit then return {0, 0, left, left} end
redis.call('SET', KEYS[1], string.format('%.0f%d', now + left, count + 1), 'PX', math.ceil(left / 1000))
return {1, limit - count - 1, 0, left}
