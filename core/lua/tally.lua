#!lua
-- tally: Adds to a tally, and gives it back.
-- KEYS: tally
-- ARGV: count
-- REPLY: tally
local tally = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 60000)
return {tally}
