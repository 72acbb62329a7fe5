-- shape_counter: A sliding window counter. Terms: capacity, period_us, unit_us, units.
--
-- The state is the start of the current window in us (16 digits), its count, a slash, and the count of the window before. What
-- that one still weighs falls in steps of unit_us, of which a period has `units`, rounded up; the next window starts where this one ends.
local function counter_look(key, want)
  local capacity, period, unit, units = word(0), word(1), word(2), word(3)
  at = at + 4
  local value = call('GET', key)
  local start, current, previous, heal = now, 0, 0, false
  if value then
--@include counter_state
    if begun > now then
      -- The clock stepped back.
      current, previous, heal = counted, before, true
    elseif now - begun < period then
      start, current, previous = begun, counted, before
    elseif now - begun < 2 * period then
      start, previous = begun + period, counted
    end
  end
  local used = current + math.ceil(previous * math.ceil((start + period - now) / unit) / units)
  local function charge(more)
    current = math.min(current + more, 4503599627370495)
    value = string.format('%.0f%.0f/%.0f', start, current, previous)
    call('SET', key, value, 'PX', math.floor((start + 2 * period - now) / 1000) + 2)
    return value
  end
  return math.min(want, math.max(0, capacity - used)), charge, value, heal
end
