#!lua
-- gcra_exact_hit: Charges a GCRA hit whose cost has a remainder in 1/parts us, or denies it.
-- KEYS: tat
-- ARGV: parts, cost_us, cost_rest, room_us, room_rest, ahead_us
-- REPLY: state
--
-- As gcra_hit, with the remainder as the last three of 19 digits.
--@include clock
local value = call('GET', KEYS[1])
local parts = tonumber(ARGV[1])
local debt, debt_rest, heal = 0, 0, false
if value then
--@include gcra_state
  if tat >= now then
    debt, debt_rest = tat - now, rest
    if debt_rest >= parts then debt_rest = parts - 1 end
    if debt - ARGV[6] > 0 then
      debt, debt_rest, heal = tonumber(ARGV[6]), 0, true
    end
  end
end
local charged = '0 '
local over = debt - ARGV[4]
if over < 0 or (over == 0 and debt_rest - ARGV[5] <= 0) then
  charged = '1 '
  debt, debt_rest = debt + ARGV[2], debt_rest + ARGV[3]
  if debt_rest >= parts then
    debt, debt_rest = debt + 1, debt_rest - parts
  end
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal: a TAT that must be cut, a key that somebody made permanent.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
value = string.format('%.0f%03d', now + debt, debt_rest)
call('SET', KEYS[1], value, 'PX', math.floor(debt / 1000) + 3)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. value
