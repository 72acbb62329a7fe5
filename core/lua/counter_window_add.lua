#!lua
-- counter_window_add: Adds to the running bucket of a windowed count.
-- KEYS: window
-- ARGV: amount, width_us, buckets
-- REPLY: count
--
-- The count is a hash: at, pos and sum as in include/counter_window, and a field for each place of the ring that is not empty.
-- The reply has the form of counter_add's; ends is when all that is counted has left the window.
--@include clock
local amount, width, buckets = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
--@include counter_window
--@include counter_window_sum
--@include counter_window_put
return '0 ' .. old .. ' ' .. new .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
