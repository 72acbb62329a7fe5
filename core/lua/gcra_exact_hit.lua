#!lua
-- gcra_exact_hit: Charges a GCRA hit whose cost has a remainder in 1/parts us, or denies it.
-- KEYS: tat
-- ARGV: parts, cost_us, cost_rest, room_us, room_rest, ahead_us
-- REPLY: now, tat, charged, rest
--
-- As gcra_hit, with the remainder as the last three of 19 digits. It is cut out as text: 19 digits are more than a Lua number
-- holds exactly.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local value = redis.call('GET', KEYS[1])
local parts = tonumber(ARGV[1])
local debt, rest, cut = 0, 0, false
if value then
  local tat = tonumber(string.sub(value, 1, 16))
  if #value == 19 then
    rest = tonumber(string.sub(value, 17))
  elseif #value ~= 16 then
    tat = nil
  end
  if not tat or not rest or tat < 1000000000000000 then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  if rest >= parts then rest = parts - 1 end
  debt = tat - now
  if debt < 0 then
    debt, rest = 0, 0
  elseif debt > tonumber(ARGV[6]) then
    debt, rest, cut = tonumber(ARGV[6]), 0, true
  end
end
local over = debt - ARGV[4]
local charged = 0
if over < 0 or (over == 0 and rest <= tonumber(ARGV[5])) then
  charged = 1
  debt, rest = debt + ARGV[2], rest + ARGV[3]
  if rest >= parts then
    debt, rest = debt + 1, rest - parts
  end
end
local tat = now + debt
if charged == 1 or cut then
  redis.call('SET', KEYS[1], string.format('%.0f%03d', tat, rest), 'PX', math.floor(debt / 1000) + 3)
else
  redis.call('PEXPIRE', KEYS[1], math.floor(debt / 1000) + 3, 'NX')
end
return {now, tat, charged, rest}
