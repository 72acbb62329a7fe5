#!lua flags=allow-oom
-- gcra_refund: Takes back part of a GCRA charge, never more than time has left of it.
-- KEYS: tat
-- ARGV: parts, credit_us, credit_rest, settles_us, settles_rest, ahead_us
-- REPLY: credited
--
-- settles_us is the TAT as it was after the hit. What time has left of the charge is how far that still lies ahead: the rest
-- has flowed back already.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local left = ARGV[4] - now
if left < 0 then return {0} end
local value = redis.call('GET', KEYS[1])
if not value then return {0} end
local parts = tonumber(ARGV[1])
local tat, rest = tonumber(string.sub(value, 1, 16)), 0
if #value == 19 then
  rest = tonumber(string.sub(value, 17))
elseif #value ~= 16 then
  tat = nil
end
if not tat or not rest or tat < 1000000000000000 then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
if parts == 1 then
  if rest > 0 then tat, rest = tat + 1, 0 end
elseif rest >= parts then
  rest = parts - 1
end
local debt = tat - now
if debt > tonumber(ARGV[6]) then debt, rest = tonumber(ARGV[6]), 0 end
local credit, credit_rest = tonumber(ARGV[2]), tonumber(ARGV[3])
if left < credit or (left == credit and tonumber(ARGV[5]) < credit_rest) then
  credit, credit_rest = left, tonumber(ARGV[5])
end
debt, rest = debt - credit, rest - credit_rest
if rest < 0 then debt, rest = debt - 1, rest + parts end
if debt < 0 or (debt == 0 and rest == 0) then
  redis.call('DEL', KEYS[1])
elseif parts == 1 then
  redis.call('SET', KEYS[1], now + debt, 'PX', math.floor(debt / 1000) + 2)
else
  redis.call('SET', KEYS[1], string.format('%.0f%03d', now + debt, rest), 'PX', math.floor(debt / 1000) + 3)
end
return {credit}
