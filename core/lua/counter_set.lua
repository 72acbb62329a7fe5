#!lua
-- counter_set: Writes a count that has an end.
-- KEYS: count
-- ARGV: value, expiry, span
-- REPLY: ends
--@include clock
local expiry, span = tonumber(ARGV[2]), tonumber(ARGV[3])
--@include count_end
local ends = string.format('%.0f', latest)
call('SET', KEYS[1], ends .. ARGV[1], 'PX', math.floor((latest - now) / 1000) + 2)
return ends
