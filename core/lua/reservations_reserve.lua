#!lua
-- reservations_reserve: Charges several limits in one step, or none of them, and keeps that as a reservation which returns when its lease ends.
-- KEYS: ...
-- ARGV: limits, block_us, id, lease_us, cost, ...
-- REPLY: state
--
-- The keys are those of reservations_hit. Behind the words of the limits stands for each what a record must know of it.
--
-- A denial is not kept, nor charged, and blocks nobody: a call that is repeated must not do so twice.
--
-- The reply is a code and what limits_hit replies: 0 denied, 1 reserved, 3 open with another cost, 4 settled, 5 too many, 6 reserved
-- before under other limits, of which this tells how they stand.
--@include clock
--@include months
local begin, up_to = 6, false
local at = begin
--@include limits
local count, block_us, block_max_us, charge_denials = tonumber(ARGV[1]), tonumber(ARGV[2]), 0, false
local block_key = KEYS[count + 1]
--@include reservations
--@include limits_block
--@include limits_found
--@include limits_fit
--@include reservations_kept
if known or not admitted or many >= 1000 then
  local lapsed = lapse()
  if type(lapsed) == 'table' then return lapsed end
  if lapsed then
    many = call('ZCARD', open)
--@include limits_fit
  end
end
forget(past)
known = call('HGET', records, id)
if known and string.sub(known, 1, 1) ~= 'o' then return '4 ' .. tell('0') end
if known and call('ZSCORE', open, id) then
  local lines = lines_of(known)
  if lines[1] ~= 'o ' .. ARGV[5] then return '3 ' .. tell('0') end
  if lines[2] ~= signature() then return '6 ' .. tell('0') end
  return '1 ' .. lines[3]
end
if admitted and many >= 1000 then return '5 ' .. tell('0') end
block_us, block = 0, not admitted and block or nil
--@include limits_charge
if not admitted then return '0 ' .. reply end
local lines, life = { 'o ' .. ARGV[5], signature(), tell('1') }, math.floor(ARGV[4] / 1000)
for i = 1, count do
  if string.sub(states[i], 1, 1) ~= '!' then
    local line, told = parts_of[i] .. ' ' .. ARGV[#ARGV - count + i] .. ' ', refunds_read[KEYS[i] .. ':refunds']
    if string.sub(line, 1, 4) == 'tat:' then
      -- What lapsed in this very step.
      line = line .. string.format('%.0f ', told and refunded_since(told, now, tonumber(string.sub(states[i], 1, 16))) or 0)
    end
    lines[#lines + 1] = line .. states[i]
  end
  life = math.max(life, call('PTTL', KEYS[i]))
end
call('HSET', records, id, table.concat(lines, '\n'))
call('ZADD', open, string.format('%.0f', now + ARGV[4]), id)
keep(life + 3)
return '1 ' .. lines[3]
