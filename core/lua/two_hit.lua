#!lua
-- two_hit: Charges a hit to two GCRA limits whose costs are whole microseconds in one step, or to neither.
-- KEYS: tat, second
-- ARGV: cost_us, room_us, ahead_us, second_cost_us, second_room_us, second_ahead_us
-- REPLY: state
--
-- As gcra_hit, twice. The reply has the form of limits_hit's. What is used six times is found faster as a local.
local string = string
--@include clock
local first, second = call('GET', KEYS[1]), call('GET', KEYS[2])
local debt, owed, admitted, heal, cure = 0, 0, true, false, false
if first then
  local value = first
--@include gcra_whole
  debt = tat - now
  if debt < 0 then
    debt = 0
  elseif debt - ARGV[2] > 0 then
    admitted = false
    if debt - ARGV[3] > 0 then debt, heal = tonumber(ARGV[3]), true end
  end
end
if second then
  local value = second
--@include gcra_whole
  owed = tat - now
  if owed < 0 then
    owed = 0
  elseif owed - ARGV[5] > 0 then
    admitted = false
    if owed - ARGV[6] > 0 then owed, cure = tonumber(ARGV[6]), true end
  end
end
if admitted then
  debt, owed = debt + ARGV[1], owed + ARGV[4]
  local left, moment = debt, now + debt
--@include px
--@include digits
  call('SET', KEYS[1], digits, 'PX', px)
  first, left, moment = digits, owed, now + owed
--@include px
--@include digits
  call('SET', KEYS[2], digits, 'PX', px)
  second = digits
  return '1 ' .. time[1] .. ' ' .. time[2] .. ' ' .. first .. ' ' .. second
end
-- A denial writes only to heal.
if first and (heal or call('PTTL', KEYS[1]) < 0) then
  first = string.format('%.0f', now + debt)
  call('SET', KEYS[1], first, 'PX', math.floor(debt / 1000) + 2)
end
if second and (cure or call('PTTL', KEYS[2]) < 0) then
  second = string.format('%.0f', now + owed)
  call('SET', KEYS[2], second, 'PX', math.floor(owed / 1000) + 2)
end
return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. (first or 'none') .. ' ' .. (second or 'none')
