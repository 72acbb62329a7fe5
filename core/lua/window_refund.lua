#!lua flags=allow-oom
-- window_refund: Takes back part of a charge to a fixed window, if that window is still open.
-- KEYS: window
-- ARGV: credit, ends
-- REPLY: credited
--@include clock
local value = call('GET', KEYS[1])
if not value then return 0 end
--@include window_state
if ends <= now or ends - ARGV[2] ~= 0 then return 0 end
local credit = math.min(counted, tonumber(ARGV[1]))
call('SET', KEYS[1], string.format('%.0f%.0f', ends, counted - credit), 'PX', math.floor((ends - now) / 1000) + 2)
return credit
