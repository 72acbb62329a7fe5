-- refund_counter: Terms: credit, settles_us, period_us. The window that was charged ends a period before settles_us: as the current
-- one it gives back all of the credit, as the one before what still weighs.
local function refund_counter(key)
  local credit, start, period = word(0), word(1) - 2 * word(2), word(2)
  at = at + 3
  local value = call('GET', key)
  if not value then return end
--@include counter_state
  if start + 2 * period <= now then return end
  if begun == start then
    counted = math.max(0, counted - credit)
  elseif begun == start + period then
    before = math.max(0, before - credit)
  else
    return
  end
  return function()
    local text = string.format('%.0f%.0f/%.0f', begun, counted, before)
    call('SET', key, text, 'PX', math.max(0, math.floor((begun + 2 * period - now) / 1000)) + 2)
  end
end
