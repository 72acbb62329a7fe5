#!lua
-- counter_window_add_once: Adds to the running bucket of a windowed count, once for an operation id.
-- KEYS: window, ids, older_ids
-- ARGV: amount, width_us, buckets, id, remember_us, most
-- REPLY: count
--@include clock
local amount, width, buckets = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local id, remember, most = 'a' .. ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
--@include once_find
--@include counter_window
--@include counter_window_sum
--@include once_room
--@include counter_window_put
--@include once_keep
return '0 ' .. reply .. ' ' .. time[1] .. ' ' .. time[2]
