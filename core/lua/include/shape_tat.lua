-- shape_tat: GCRA, as gcra_exact_hit has it. Terms: parts, price_us, price_rest, room_us, room_rest, ahead_us, interval, burst. The
-- last two are in parts, and 0 but under hit_up_to, which computes the price of what it grants.
local function tat_look(key, want)
  local parts, price, price_rest, room, room_rest = word(0), word(1), word(2), word(3), word(4)
  local ahead, interval, burst = word(5), word(6), word(7)
  at = at + 8
  local value = call('GET', key)
  local debt, debt_rest, heal = 0, 0, false
  if value then
--@include gcra_state
    if tat >= now then
      debt, debt_rest = tat - now, rest
      if debt_rest >= parts then
        if parts == 1 then debt, debt_rest = debt + 1, 0 else debt_rest = parts - 1 end
      end
      if debt > ahead then debt, debt_rest, heal = ahead, 0, true end
    end
  end
  local fits = 0
  if interval > 0 then
    fits = math.min(want, math.max(0, math.floor((burst - debt * parts - debt_rest) / interval)))
  elseif debt < room or (debt == room and debt_rest <= room_rest) then
    fits = want
  end
  local function charge(count)
    if count > 0 then
      if interval > 0 then
        price = math.floor(count * interval / parts)
        price_rest = count * interval - price * parts
      end
      debt, debt_rest = debt + price, debt_rest + price_rest
      if debt_rest >= parts then debt, debt_rest = debt + 1, debt_rest - parts end
      if debt > ahead then debt, debt_rest = ahead, 0 end
    end
    if parts == 1 then
      value = string.format('%.0f', now + debt)
    else
      value = string.format('%.0f%03d', now + debt, debt_rest)
    end
    call('SET', key, value, 'PX', math.floor(debt / 1000) + (parts == 1 and 2 or 3))
    return value
  end
  return fits, charge, value, heal
end
