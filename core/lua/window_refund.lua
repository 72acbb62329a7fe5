#!lua flags=allow-oom
-- window_refund: Takes back part of a charge to a fixed window, if that window is still open.
-- KEYS: window
-- ARGV: credit, ends
-- REPLY: credited
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local value = redis.call('GET', KEYS[1])
if not value then return {0} end
local ends, count = tonumber(string.sub(value, 1, 16)), tonumber(string.sub(value, 17))
if not ends or not count then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
if ends <= now or ends ~= tonumber(ARGV[2]) then return {0} end
local credit = math.min(count, tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f%.0f', ends, count - credit), 'PX', math.floor((ends - now) / 1000) + 2)
return {credit}
