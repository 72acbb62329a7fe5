#!lua flags=no-writes
-- counter_window_value: Reads the sum of a window.
-- KEYS: window
-- ARGV: width_us, buckets
-- REPLY: count
--@include clock
local width, buckets = tonumber(ARGV[1]), tonumber(ARGV[2])
--@include counter_window
local value = string.format('%.0f', sum)
return '0 ' .. value .. ' ' .. value .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
