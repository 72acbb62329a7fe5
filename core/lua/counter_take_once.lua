#!lua
-- counter_take_once: Takes the value of a count out once for an operation id.
-- KEYS: count, ids, older_ids
-- ARGV: expiry, id, remember_us, most
-- REPLY: count
--
-- The reply has the form of counter_add_once's: old and new are what was taken.
--@include clock
local expiry, latest = tonumber(ARGV[1]), 9007199254740991
local id, remember, most = 't' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
--@include once_find
--@include count_state
--@include once_room
call('DEL', KEYS[1])
local new = old
ends = 0
--@include once_keep
return '0 ' .. reply .. ' ' .. time[1] .. ' ' .. time[2]
