#!lua flags=allow-oom
-- gcra_refund: Takes back part of a GCRA charge, never more than time has left of it.
-- KEYS: tat
-- ARGV: parts, credit_us, credit_rest, settles_at_us, ahead_us
-- REPLY: credited
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local left = ARGV[4] - now
if left <= 0 then return {0} end
local value = redis.call('GET', KEYS[1])
if not value then return {0} end
local parts = tonumber(ARGV[1])
local tat, rest = tonumber(string.sub(value, 1, 16)), 0
if #value == 19 then
  rest = tonumber(string.sub(value, 17))
elseif #value ~= 16 then
  tat = nil
end
if not tat or not rest then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
if rest >= parts and parts > 1 then rest = parts - 1 end
if parts == 1 and rest > 0 then tat, rest = tat + 1, 0 end
if tat > now + ARGV[5] then tat, rest = now + ARGV[5], 0 end
local credit = tonumber(ARGV[2])
if credit >= left then
  credit = left
  tat = tat - left
else
  tat = tat - credit
  rest = rest - ARGV[3]
  if rest < 0 then tat, rest = tat - 1, rest + parts end
end
if tat < now or (tat == now and rest == 0) then
  redis.call('DEL', KEYS[1])
elseif parts == 1 then
  redis.call('SET', KEYS[1], tat, 'PX', math.floor((tat - now) / 1000) + 2)
else
  redis.call('SET', KEYS[1], string.format('%.0f%03d', tat, rest), 'PX', math.floor((tat - now) / 1000) + 3)
end
return {credit}
