-- shape_window: A fixed window. Terms: capacity, period, aligned, shift_us. Aligned is 0 for a window that opens with its first hit;
-- 1 for windows whose edges are the multiples of period us, 2 for those of period months, by a clock that is shift_us ahead.
local function window_look(key, want)
  local capacity, period, aligned, shift = word(0), word(1), word(2), word(3)
  at = at + 4
  local value = call('GET', key)
  local left, count, heal = period, 0, false
  if aligned == 1 then
    left = period - (now + shift) % period
  elseif aligned == 2 then
    left = month_end(now + shift, period) - now - shift
  end
  if value then
--@include window_state
    if ends > now then
      count = counted
      if ends - now > left then
        value, heal = string.format('%.0f%.0f', now + left, count), true
      else
        left = ends - now
      end
    end
  end
  local function charge(more)
    count = math.min(count + more, 4503599627370495)
    value = string.format('%.0f%.0f', now + left, count)
    call('SET', key, value, 'PX', math.floor(left / 1000) + 2)
    return value
  end
  return math.min(want, math.max(0, capacity - count)), charge, value, heal
end
