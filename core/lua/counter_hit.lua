#!lua
-- counter_hit: Charges a hit to a sliding window counter, or denies it.
-- KEYS: counter
-- ARGV: cost, capacity, period_us, unit_us, units
-- REPLY: state
--
-- As shape_counter has it. The reply has the form of gcra_hit's.
--@include clock
local value = call('GET', KEYS[1])
local start, current, previous, heal, period = now, 0, 0, false, tonumber(ARGV[3])
if value then
--@include counter_state
  local passed = now - begun
  if passed < 0 then
    -- The clock stepped back.
    current, previous, heal = counted, before, true
  elseif passed < period then
    start, current, previous = begun, counted, before
  elseif passed < 2 * period then
    start, previous = begun + period, counted
  end
end
local used = current
if previous > 0 then used = used + math.ceil(previous * math.ceil((start + period - now) / ARGV[4]) / ARGV[5]) end
local charged = '0 '
if used + ARGV[1] - ARGV[2] <= 0 then
  charged, current = '1 ', current + ARGV[1]
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
value = string.format('%.0f%.0f/%.0f', start, current, previous)
local left = start + 2 * period - now
--@include px
call('SET', KEYS[1], value, 'PX', px)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. value
