#!lua flags=allow-oom
-- limits_refund: Gives back part of what a hit charged to limits, never more than time has left of it.
-- KEYS: ...
-- ARGV: ...
-- REPLY: limits
--@include clock
local at = 1
--@include words
--@include refund_tat
--@include refund_window
--@include refund_counter
--@include refund_log
--@include refund_leases
local writes, i, count = {}, 1, 0
while i <= #KEYS do
  local shape, write = ARGV[at], nil
  at = at + 1
  if shape == 'tat' then
    write = refund_tat(KEYS[i], KEYS[i + 1])
    i = i + 1
  elseif shape == 'window' then
    write = refund_window(KEYS[i])
  elseif shape == 'counter' then
    write = refund_counter(KEYS[i])
  elseif shape == 'log' then
    write = refund_log(KEYS[i])
  else
    write = refund_leases(KEYS[i])
  end
  if type(write) == 'table' then return write end
  i, count = i + 1, count + 1
  writes[count] = write or false
end
for each = 1, count do
  if writes[each] then writes[each]() end
end
return count
