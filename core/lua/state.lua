#!lua flags=no-writes
-- state: Reads a limiter's state together with the server's clock.
-- KEYS: state
-- ARGV:
-- REPLY: now, value
local now = redis.call('TIME')
return {now[1] * 1000000 + now[2], redis.call('GET', KEYS[1]) or ''}
