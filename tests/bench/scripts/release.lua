-- What one writes by hand: gives back what acquire.lua gave, if it was one permit.
-- KEYS: permits   ARGV: id
-- REPLY: how many were given back
return redis.call('ZREM', KEYS[1], ARGV[1] .. ':1')
