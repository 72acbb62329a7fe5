#!lua flags=no-writes
-- top_best: Reads the members with the highest scores.
-- KEYS: scores, ends
-- ARGV: count
-- REPLY: first_rank, entries
--
-- entries is flat: a member, its negated score, and so on. first_rank is that of the first, from 0.
--@include clock
local end_key = KEYS[2]
--@include ends_state
local entries = call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
if over then return {0, {}} end
return {0, entries}
