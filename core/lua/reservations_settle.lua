#!lua flags=allow-oom
-- reservations_settle: Commits a reservation with what was used, or cancels it.
-- KEYS: ...
-- ARGV: limits, entry, id, actual, ...
-- REPLY: state
--
-- The keys are those of reservations_hit, without a block's. Behind the words of the limits, for a cost of 0, stands for each what a
-- record must know of it. entry is what is kept: "c actual" or "x".
--
-- What was used beyond the cost is charged whether it fits or not. The reply is a code and what limits_look replies: 1 settled, 2 not
-- there, 3 settled otherwise.
--@include clock
--@include months
local begin, up_to, until_us = 5, false, 0
local at = begin
--@include limits
local count = tonumber(ARGV[1])
--@include reservations
--@include limits_found
local begins = {}
for i = 1, count do
  begins[i] = at
  fits[i], charges[i], states[i], heals[i], wants[i], shadows[i] = look(KEYS[i])
  if type(fits[i]) == 'table' then return fits[i] end
end
begins[count + 1] = at
--@include reservations_kept
if not read_all_refunds() then return foreign end
lapse()
forget(past)
-- A function that charges more to the limit that a line of a record tells of.
local function charge(line, more)
  local i = 1
  while i <= count and parts_of[i] ~= string.match(line, '^%S+') do
    i = i + 1
  end
  if i > count or string.sub(parts_of[i], 1, 7) == 'leases:' then return end
  words, at = { unpack(ARGV, begins[i], begins[i + 1] - 1) }, 1
  if string.sub(parts_of[i], 1, 4) == 'tat:' then
    local parts, whole, over = string.match(ARGV[#ARGV - count + i], '^(%d+) (%d+) (%d+)')
    words[5], words[6] = price(more, tonumber(whole), tonumber(over), tonumber(parts))
  end
  local _, write = look(KEYS[i])
  return function()
    write(more, true)
  end
end
local function settle(lines)
  local cost, actual = tonumber(string.sub(lines[1], 3)), tonumber(ARGV[4])
  local writes = returns_of(lines, math.max(0, cost - actual))
  for i = 4, #lines do
    writes[#writes + 1] = actual > cost and charge(lines[i], actual - cost) or nil
  end
  for _, write in ipairs(writes) do
    write()
  end
end
known = call('HGET', records, id)
local code = '2 '
if known and string.sub(known, 1, 1) == 'o' then
  if call('ZSCORE', open, id) then
    code = '1 '
    settle(lines_of(known))
  end
elseif known then
  code = string.match(known, '^[^\n]*') == ARGV[2] and '1 ' or '3 '
end
--@include limits_fit
local reply = tell('0')
if code == '1 ' and string.sub(known, 1, 1) == 'o' then
  call('HSET', records, id, ARGV[2] .. '\n' .. signature() .. '\n' .. reply)
  call('ZREM', open, id)
  call('ZADD', settled, string.format('%.0f', now + 600000000), id)
  keep(600003)
  -- The oldest of more than 1,000 are forgotten before their time.
  many = call('ZCARD', settled) - 1000
  if many > 0 then forget(call('ZRANGE', settled, 0, many - 1)) end
elseif code == '1 ' then
  local lines = lines_of(known)
  if lines[2] == signature() then reply = lines[3] end
end
return code .. reply
