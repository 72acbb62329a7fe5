#!lua
-- gcra_hit: Charges a GCRA hit whose cost is whole microseconds, or denies it.
-- KEYS: tat
-- ARGV: cost_us, room_us, ahead_us
-- REPLY: now, tat, charged
--
-- The state is the theoretical arrival time (TAT) in us, 16 digits. What it lies ahead of now is the key's debt; the hit is
-- admitted when that is at most room_us. ahead_us is as far as a TAT can honestly lie ahead: what lies further (the clock
-- stepped back, a limit was lowered) is cut to it.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local value = redis.call('GET', KEYS[1])
local debt, cut = 0, false
if value then
  local tat = tonumber(value)
  if tat and #value == 19 then
    -- Left by an exact rate: its remainder rounds up.
    tat = tonumber(string.sub(value, 1, 16))
    if string.sub(value, 17) ~= '000' then tat = tat + 1 end
  end
  if not tat or tat < 1000000000000000 or tat > 9007199254740992 then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  debt = tat - now
  if debt < 0 then
    debt = 0
  elseif debt > tonumber(ARGV[3]) then
    debt, cut = tonumber(ARGV[3]), true
  end
end
if debt <= tonumber(ARGV[2]) then
  debt = debt + ARGV[1]
  redis.call('SET', KEYS[1], now + debt, 'PX', math.floor(debt / 1000) + 2)
  return {now, now + debt, 1}
end
if cut then
  redis.call('SET', KEYS[1], now + debt, 'PX', math.floor(debt / 1000) + 2)
else
  redis.call('PEXPIRE', KEYS[1], math.floor(debt / 1000) + 2, 'NX')
end
return {now, now + debt, 0}
