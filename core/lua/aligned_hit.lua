#!lua
-- aligned_hit: Charges a hit to a fixed window whose edges are the clock's or the calendar's, or denies it.
-- KEYS: window
-- ARGV: cost, capacity, period, aligned, shift_us
-- REPLY: state
--
-- As shape_window has it. The reply has the form of gcra_hit's.
--@include clock
local value = call('GET', KEYS[1])
local local_now, left, count, heal, text = now + ARGV[5], nil, 0, false, nil
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
    if ends - now > left then heal = true else left, text = ends - now, string.sub(value, 1, 16) end
  end
end
local charged = '0 '
if count + ARGV[1] - ARGV[2] <= 0 then
  charged, count = '1 ', count + ARGV[1]
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
value = (text or string.format('%.0f', now + left)) .. string.format('%.0f', count)
call('SET', KEYS[1], value, 'PX', math.floor(left / 1000) + 2)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. value
