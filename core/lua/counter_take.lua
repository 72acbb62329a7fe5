#!lua flags=allow-oom
-- counter_take: Takes the value of a count out and forgets the count.
-- KEYS: count
-- ARGV: expiry
-- REPLY: count
--
-- The reply has the form of counter_add's: old and new are what was taken.
--@include clock
local expiry, latest = tonumber(ARGV[1]), 9007199254740991
--@include count_state
call('DEL', KEYS[1])
return '0 ' .. old .. ' ' .. old .. ' 0 ' .. time[1] .. ' ' .. time[2]
