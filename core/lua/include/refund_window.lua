-- refund_window: Terms: credit, ends. Only the window that was charged is credited.
local function refund_window(key)
  local credit, settles = word(0), word(1)
  at = at + 2
  local value = call('GET', key)
  if not value then return end
--@include window_state
  if ends <= now or ends ~= settles then return end
  return function()
    local text = string.format('%.0f%.0f', ends, math.max(0, counted - credit))
    call('SET', key, text, 'PX', math.floor((ends - now) / 1000) + 2)
  end
end
