#!lua
-- swap: Writes a value if the present one is the expected one, as SET IFEQ does.
-- KEYS: cell
-- ARGV: expected, value
-- REPLY: swapped
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', 60000)
return {1}
