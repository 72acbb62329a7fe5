#!lua flags=no-writes
-- top_standing: Reads rank and score of a member.
-- KEYS: scores, ends
-- ARGV: member
-- REPLY: code, rank, score, size, expires_after_us
--
-- code is 0, or 1 where the member is not kept.
--@include clock
local end_key = KEYS[2]
--@include ends_state
local size, score = call('ZCARD', KEYS[1]), call('ZSCORE', KEYS[1], ARGV[1])
if over or size == 0 then return {1, 0, '0', 0, -1} end
local left = ends and ends - now or -1
if not score then return {1, 0, '0', size, left} end
return {0, call('ZRANK', KEYS[1], ARGV[1]) + 1, string.format('%.0f', -tonumber(score)), size, left}
