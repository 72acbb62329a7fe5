#!lua
-- reservations_hit: Does what limits_hit does, and before it denies gives back the reservations whose lease has ended.
-- KEYS: ...
-- ARGV: up_to, charge_denials, block_us, block_max_us, limits, ...
-- REPLY: state
--
-- The keys are those of limits_hit; behind them the lists of refunds of those limits that have one; records, open and settled. Whoever is
-- admitted touches no key but its limits' own.
--@include clock
--@include months
local begin, up_to = 6, ARGV[1] ~= '0' and tonumber(ARGV[1])
local at = begin
--@include limits
local charge_denials, block_us, block_max_us = ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local count = tonumber(ARGV[5])
local block_key = KEYS[count + 1]
--@include limits_block
--@include limits_found
--@include limits_fit
if not admitted and until_us <= now then
--@include reservations
  local lapsed = lapse()
  if type(lapsed) == 'table' then return lapsed end
  if lapsed then
--@include limits_fit
  end
end
--@include limits_charge
return reply
