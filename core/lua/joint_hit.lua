#!lua
-- joint_hit: Charges the limits of several limiters in one step, or none of them.
-- KEYS: ...
-- ARGV: ...
-- REPLY: state
--
-- A key for each limit, and its words as limits_hit has them; the costs differ. What costs nothing is looked at. The reply has the form
-- of limits_hit's.
--@include clock
--@include months
local begin, up_to, until_us = 1, false, 0
local at = begin
--@include limits
local count = #KEYS
--@include limits_found
--@include limits_fit
local reply = (admitted and '1 ' or '0 ') .. time[1] .. ' ' .. time[2]
for i = 1, count do
  local mark = ''
  if admitted and wants[i] > 0 and fits[i] >= wants[i] then
    states[i] = charges[i](wants[i])
  else
    if heals[i] or call('PTTL', KEYS[i]) == -1 then states[i] = charges[i](0, true) end
    if admitted and wants[i] > 0 then mark = '!' end
  end
  reply = reply .. ' ' .. mark .. (states[i] or 'none')
end
return reply
