#!lua flags=no-writes
-- top_around: Reads a member and its neighbours.
-- KEYS: scores, ends
-- ARGV: member, count
-- REPLY: first_rank, entries
--
-- As top_best.
--@include clock
local end_key = KEYS[2]
--@include ends_state
local rank = call('ZRANK', KEYS[1], ARGV[1])
if over or not rank then return {0, {}} end
local first = math.max(0, rank - ARGV[2])
return {first, call('ZRANGE', KEYS[1], first, rank + ARGV[2], 'WITHSCORES')}
