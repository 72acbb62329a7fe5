#!lua
-- several_hit: Charges a hit to several GCRA limits in one step, or to none of them.
-- KEYS: ...
-- ARGV: ...
-- REPLY: state
--
-- Six words for each: parts, price_us, price_rest, room_us, room_rest, ahead_us, as gcra_exact_hit has them. The reply has the form
-- of limits_hit's.
--@include clock
local count, admitted = #KEYS, true
local debts, rests, values, heals = {}, {}, {}, {}
for i = 1, count do
  local at = 6 * i - 5
  local value, debt, debt_rest = call('GET', KEYS[i]), 0, 0
  values[i] = value
  if value then
--@include gcra_state
    if tat >= now then
      debt, debt_rest = tat - now, rest
      if debt_rest > 0 then
        local parts = tonumber(ARGV[at])
        if parts == 1 then debt, debt_rest = debt + 1, 0 elseif debt_rest >= parts then debt_rest = parts - 1 end
      end
      if debt - ARGV[at + 5] > 0 then
        debt, debt_rest, heals[i] = tonumber(ARGV[at + 5]), 0, true
      end
    end
  end
  local over = debt - ARGV[at + 3]
  if over > 0 or (over == 0 and debt_rest - ARGV[at + 4] > 0) then admitted = false end
  debts[i], rests[i] = debt, debt_rest
end
local reply = (admitted and '1 ' or '0 ') .. time[1] .. ' ' .. time[2]
for i = 1, count do
  local at, value = 6 * i - 5, values[i]
  if admitted or (value and (heals[i] or call('PTTL', KEYS[i]) < 0)) then
    local debt, debt_rest = debts[i], rests[i]
    if admitted then debt, debt_rest = debt + ARGV[at + 1], debt_rest + ARGV[at + 2] end
    if ARGV[at] == '1' then
      value = string.format('%.0f', now + debt)
      call('SET', KEYS[i], value, 'PX', math.floor(debt / 1000) + 2)
    else
      if debt_rest - ARGV[at] >= 0 then debt, debt_rest = debt + 1, debt_rest - ARGV[at] end
      value = string.format('%.0f%03d', now + debt, debt_rest)
      call('SET', KEYS[i], value, 'PX', math.floor(debt / 1000) + 3)
    end
  end
  reply = reply .. ' ' .. (value or 'none')
end
return reply
