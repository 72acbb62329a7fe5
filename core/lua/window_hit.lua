#!lua
-- window_hit: Charges a hit to a fixed window that opens with its first hit, or denies it.
-- KEYS: window
-- ARGV: cost, room, period_us
-- REPLY: state
--
-- The state is the window's end in us (16 digits) followed by the count. The hit is admitted when the count is at most room.
-- An end further ahead than one period (the clock stepped back, the period was shortened) is cut to that. The reply has the
-- form of gcra_hit's.
--@include clock
local value, charged = call('GET', KEYS[1]), '1 '
local left, count, heal, goes_on = tonumber(ARGV[3]), 0, false, false
if value then
--@include window_state
  if ends > now then
    count = counted
    if ends - now > left then heal = true else left, goes_on = ends - now, true end
  end
end
if count - ARGV[2] <= 0 then
  count = count + ARGV[1]
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal: an end that must be cut, a key that somebody made permanent.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
else
  charged = '0 '
end
local ends = goes_on and string.sub(value, 1, 16) or string.format('%.0f', now + left)
value = ends .. string.format('%.0f', count)
--@include px
call('SET', KEYS[1], value, 'PX', px)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. value
