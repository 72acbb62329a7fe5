#!lua flags=allow-oom
-- gcra_refund: Takes back part of a GCRA charge, never more than time has left of it.
-- KEYS: tat
-- ARGV: parts, credit_us, credit_rest, settles_us, settles_rest, ahead_us, burst_us, burst_rest
-- REPLY: credited_us
--
-- settles_us is the TAT as it was after the hit. What time has left of the charge is how far that still lies ahead: the rest
-- has flowed back already.
--
-- A debt beyond the burst means that hits are booked ahead, at moments that stand. Whoever came then would be booked into the
-- moments of those behind the charge that is taken back, so only the last one's charge is.
--@include clock
local left = ARGV[4] - now
if left < 0 then return 0 end
local value = call('GET', KEYS[1])
if not value then return 0 end
--@include gcra_state
local parts = tonumber(ARGV[1])
if rest >= parts then
  -- Left by another rate. Whole microseconds round up.
  rest = parts - 1
  if parts == 1 then tat = tat + 1 end
end
local debt = tat - now
if debt - ARGV[6] > 0 then debt, rest = tonumber(ARGV[6]), 0 end
local over = debt - ARGV[7]
if over > 0 or (over == 0 and rest - ARGV[8] > 0) then
  if debt ~= left or rest ~= tonumber(ARGV[5]) then return 0 end
end
local credit, credit_rest = tonumber(ARGV[2]), tonumber(ARGV[3])
if left < credit or (left == credit and ARGV[5] - credit_rest < 0) then
  credit, credit_rest = left, tonumber(ARGV[5])
end
debt, rest = debt - credit, rest - credit_rest
if rest < 0 then debt, rest = debt - 1, rest + parts end
if debt < 0 or (debt == 0 and rest == 0) then
  call('DEL', KEYS[1])
elseif parts == 1 then
  call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.floor(debt / 1000) + 2)
else
  call('SET', KEYS[1], string.format('%.0f%03d', now + debt, rest), 'PX', math.floor(debt / 1000) + 3)
end
return credit
