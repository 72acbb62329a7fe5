#!lua flags=allow-oom
-- reservations_look: Tells what reservations_hit would. Reservations whose lease has ended are given back; else nothing is written.
-- KEYS: ...
-- ARGV: limits, blocks, ...
-- REPLY: state
--
-- The keys are those of reservations_hit.
--@include clock
--@include months
local begin, up_to, until_us = 3, false, 0
local at = begin
--@include limits
local count = tonumber(ARGV[1])
--@include reservations
--@include limits_found
--@include limits_fit
local lapsed = lapse()
if type(lapsed) == 'table' then return lapsed end
if lapsed then
--@include limits_fit
end
local reply = '0 ' .. time[1] .. ' ' .. time[2]
for i = 1, count do
  reply = reply .. ' ' .. (states[i] or 'none')
end
local block, level = ARGV[2] == '1' and call('GET', KEYS[count + 1]), 0
if block then
--@include block_state
end
return block and reply .. ' ' .. block or reply
