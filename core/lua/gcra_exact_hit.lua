#!lua
-- gcra_exact_hit: Charges a GCRA hit whose increment has a remainder in 1/parts us, or denies it.
-- KEYS: tat
-- ARGV: parts, cost_us, cost_rest, burst_us, burst_rest, patience_us, ahead_us
-- REPLY: now, tat, charged, rest
--
-- As gcra_hit, with the remainder as the last three of 19 digits. It is cut out as text: 19 digits are more than a Lua number
-- holds exactly.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local parts = tonumber(ARGV[1])
local tat, rest, cut = now, 0, false
local value = redis.call('GET', KEYS[1])
if value then
  local length = #value
  if length == 19 then
    tat = tonumber(string.sub(value, 1, 16))
    rest = tonumber(string.sub(value, 17))
  elseif length == 16 then
    tat = tonumber(value)
  else
    tat = nil
  end
  if not tat or not rest then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  if rest >= parts then rest = parts - 1 end
  if tat < now then
    tat, rest = now, 0
  elseif tat > now + ARGV[7] then
    tat, rest, cut = now + ARGV[7], 0, true
  end
end
local charged, charged_rest = tat + ARGV[2], rest + ARGV[3]
if charged_rest >= parts then
  charged, charged_rest = charged + 1, charged_rest - parts
end
local over = charged - ARGV[4] - ARGV[6] - now
if over < 0 or (over == 0 and charged_rest <= tonumber(ARGV[5])) then
  redis.call('SET', KEYS[1], string.format('%.0f%03d', charged, charged_rest), 'PX', math.floor((charged - now) / 1000) + 3)
  return {now, charged, 1, charged_rest}
end
if cut then
  redis.call('SET', KEYS[1], string.format('%.0f%03d', tat, rest), 'PX', math.floor((tat - now) / 1000) + 3)
else
  redis.call('PEXPIRE', KEYS[1], math.floor((tat - now) / 1000) + 3, 'NX')
end
return {now, tat, 0, rest}
