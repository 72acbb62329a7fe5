#!lua flags=allow-oom
-- unique_count: Reads how many members a unique counter has.
-- KEYS: exact, sketch, ends
-- ARGV:
-- REPLY: novelty, exact, members, expires_after_us
--
-- Not flagged as writing nothing: PFCOUNT may keep its result in the key, and servers take it for a write.
--@include clock
local end_key = KEYS[3]
--@include ends_state
local exact, estimated = call('SCARD', KEYS[1]), call('EXISTS', KEYS[2]) == 1
if over or (exact == 0 and not estimated) then return {2, 1, 0, -1} end
local left = ends and ends - now or -1
if estimated then return {2, 0, call('PFCOUNT', KEYS[2]), left} end
return {2, 1, exact, left}
