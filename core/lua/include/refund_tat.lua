-- refund_tat: Terms: parts, credit_us, credit_rest, settles_us, settles_rest, ahead_us, burst_us, burst_rest, decided_us, known_us,
-- whole. A second key lists what was refunded of late.
--
-- Charges flow back one after another. settles_us is when this one will have, as it stood at decided_us, right after the hit; what
-- was refunded since then of charges before it brought that nearer. What is left of it is how far that still lies ahead. A refund of the
-- same microsecond is taken for one made since, but known_us of them: those were made in the step of the charge, before it.
--
-- Where the whole of it is taken back, nobody came after it and nothing before it is left, no other can still be refunded, and nothing is told.
--
-- A refund is told in the list as four numbers: when it was made (not before its charge was, though the clock may have stepped back),
-- decided_us and settles_us of its charge, and the credit in us, rounded up. Of more than a hundred the two oldest become one, which counts for whatever either counted for.
--
-- read_refunds(list) reads that list once, however many are refunded in one step.
--
-- A debt beyond the burst means that hits are booked ahead, at moments that stand. Whoever came then would be booked into the
-- moments of those behind the charge that is taken back, so only the last one's charge is.
local refunds_read = {}
local function read_refunds(list)
  if refunds_read[list] then return refunds_read[list] end
  local told = {}
  for i, text in ipairs(call('LRANGE', list, 0, -1)) do
    local made, of, ends, less = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
    if not made then return foreign end
    told[i] = { tonumber(made), tonumber(of), tonumber(ends), tonumber(less) }
  end
  refunds_read[list] = told
  return told
end
local function refunded_since(told, decided, settles)
  local sum = 0
  for _, each in ipairs(told) do
    if each[1] >= decided and (each[2] < decided or (each[2] == decided and each[3] <= settles)) then sum = sum + each[4] end
  end
  return sum
end
local function refund_tat(key, list)
  local parts, credit, credit_rest, settles, left_rest = word(0), word(1), word(2), word(3), word(4)
  local ahead, burst, burst_rest, decided = word(5), word(6), word(7), word(8)
  local known, whole = word(9), word(10) == 1
  at = at + 11
  local value, left = call('GET', key), settles - now
  local told = read_refunds(list)
  if told == foreign then return foreign end
  left = left - math.max(0, refunded_since(told, decided, settles) - known)
  if not value then return end
--@include gcra_state
  if left < 0 or (left == 0 and left_rest == 0) then return end
  local last = whole and tat == settles and rest == left_rest
  if rest >= parts then
    -- Left by another rate. Whole microseconds round up.
    rest = parts - 1
    if parts == 1 then tat = tat + 1 end
  end
  local debt = tat - now
  if debt > ahead then debt, rest = ahead, 0 end
  if debt > burst or (debt == burst and rest > burst_rest) then
    if debt ~= left or rest ~= left_rest then return end
  end
  if left < credit or (left == credit and left_rest < credit_rest) then
    credit, credit_rest = left, left_rest
  end
  local before = debt
  debt, rest = debt - credit, rest - credit_rest
  if rest < 0 then debt, rest = debt - 1, rest + parts end
  return function()
    if debt < 0 or (debt == 0 and rest == 0) then
      call('DEL', key)
      if last then
        call('DEL', list)
        refunds_read[list] = nil
        return
      end
    elseif parts == 1 then
      call('SET', key, string.format('%.0f', now + debt), 'PX', math.floor(debt / 1000) + 2)
    else
      call('SET', key, string.format('%.0f%03d', now + debt, rest), 'PX', math.floor(debt / 1000) + 3)
    end
    if credit_rest > 0 then credit = credit + 1 end
    if #told >= 100 then
      local one, two = table.remove(told, 1), told[1]
      told[1] = { math.max(one[1], two[1]), math.min(one[2], two[2]), math.min(one[3], two[3]), one[4] + two[4] }
      call('LPOP', list, 2)
      call('LPUSH', list, string.format('%.0f %.0f %.0f %.0f', unpack(told[1])))
    end
    local made = math.max(now, decided)
    told[#told + 1] = { made, decided, settles, credit }
    call('RPUSH', list, string.format('%.0f %.0f %.0f %.0f', made, decided, settles, credit))
    call('PEXPIRE', list, math.max(call('PTTL', list), math.floor(math.max(before, 0) / 1000) + 3))
  end
end
