#!lua
-- gcra_hit: Charges a GCRA hit whose increment is whole microseconds, or denies it.
-- KEYS: tat
-- ARGV: cost_us, burst_us, patience_us, ahead_us
-- REPLY: now, tat, charged
--
-- The state is the theoretical arrival time (TAT) in us, 16 digits. patience_us lets a hit be booked ahead; ahead_us is as
-- far as a TAT can honestly lie ahead, and what lies further (the clock stepped back, a limit was lowered) is cut to it.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local tat = redis.call('GET', KEYS[1])
local cut = false
if tat then
  local rest = 0
  if #tat == 19 then
    -- Left by an exact rate: its remainder rounds up.
    rest = tonumber(string.sub(tat, 17))
    tat = string.sub(tat, 1, 16)
  end
  if #tat ~= 16 or not tonumber(tat) or not rest then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  tat = tonumber(tat)
  if rest > 0 then tat = tat + 1 end
  if tat < now then
    tat = now
  elseif tat > now + ARGV[4] then
    tat = now + ARGV[4]
    cut = true
  end
else
  tat = now
end
local charged = tat + ARGV[1]
if charged - ARGV[2] - ARGV[3] <= now then
  redis.call('SET', KEYS[1], charged, 'PX', math.floor((charged - now) / 1000) + 2)
  return {now, charged, 1}
end
if cut then
  redis.call('SET', KEYS[1], tat, 'PX', math.floor((tat - now) / 1000) + 2)
else
  redis.call('PEXPIRE', KEYS[1], math.floor((tat - now) / 1000) + 2, 'NX')
end
return {now, tat, 0}
