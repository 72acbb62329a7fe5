#!lua
-- counter_add_once: Adds to a count as counter_add does, once for an operation id.
-- KEYS: count, ids, older_ids
-- ARGV: amount, edge, saturate, expiry, span, id, remember_us, most
-- REPLY: count
--
-- The reply has the form of counter_add's. Outcome 2: the id was known, and the rest is the first reply; 3: no room for another
-- id. A refusal is not remembered, for it changed nothing.
--@include clock
local expiry, span = tonumber(ARGV[4]), tonumber(ARGV[5])
local id, remember, most = 'a' .. ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
--@include once_find
--@include count_end
--@include count_state
--@include count_sum
--@include once_room
if refused and (not value or old == '0' and ends == 0 or not heal and (expiry == 0 or call('PTTL', KEYS[1]) >= 0)) then
  return '1 ' .. old .. ' ' .. old .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
end
--@include count_put
if refused then
  return '1 ' .. old .. ' ' .. new .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
end
--@include once_keep
return '0 ' .. reply .. ' ' .. time[1] .. ' ' .. time[2]
