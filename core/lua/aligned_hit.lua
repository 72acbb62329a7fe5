#!lua
-- aligned_hit: Charges a hit to a fixed window whose edges are the clock's or the calendar's, or denies it.
-- KEYS: window
-- ARGV: cost, capacity, period, aligned, shift_us
-- REPLY: state
--
-- As shape_window has it. The reply has the form of gcra_hit's.
--@include clock
local value = call('GET', KEYS[1])
local local_now, left, count, heal, goes_on = now + ARGV[5], nil, 0, false, false
if ARGV[4] == '1' then
  left = ARGV[3] - local_now % ARGV[3]
else
--@include months
  left = month_end(local_now, tonumber(ARGV[3])) - local_now
end
if value then
--@include window_state
  if ends > now then
    count = counted
    if ends - now > left then heal = true else left, goes_on = ends - now, true end
  end
end
local charged = '0 '
if count + ARGV[1] - ARGV[2] <= 0 then
  charged, count = '1 ', count + ARGV[1]
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
local ends = goes_on and string.sub(value, 1, 16) or string.format('%.0f', now + left)
value = ends .. string.format('%.0f', count)
--@include px
call('SET', KEYS[1], value, 'PX', px)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. value
