#!lua
-- gcra_hit: Charges a GCRA hit whose cost is whole microseconds, or denies it.
-- KEYS: tat
-- ARGV: cost_us, room_us, ahead_us
-- REPLY: state
--
-- The state is the theoretical arrival time (TAT) in us, 16 digits. What it lies ahead of now is the key's debt; the hit is
-- admitted when that is at most room_us. ahead_us is as far as a TAT can honestly lie ahead: what lies further (the clock
-- stepped back, a limit was lowered) is cut to it.
--
-- The reply is one text, "charged seconds microseconds state": 1 or 0, the clock, the state as it is now. Texts that are there
-- already are put together in a fifth of the time that a table of numbers takes.
--@include clock
local value = call('GET', KEYS[1])
local debt, heal = 0, false
if value then
  local tat = #value == 16 and tonumber(value)
  if #value == 19 then
    -- Left by an exact rate: its remainder rounds up.
    tat = tonumber(string.sub(value, 1, 16))
    if tat and string.sub(value, 17) ~= '000' then tat = tat + 1 end
  end
  if string.find(value, '%D') or not (tat and tat >= 1000000000000000 and tat < 9007199254740992) then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  debt = tat - now
  if debt < 0 then
    debt = 0
  elseif debt - ARGV[3] > 0 then
    debt, heal = tonumber(ARGV[3]), true
  end
end
local charged = '0 '
if debt - ARGV[2] <= 0 then
  charged = '1 '
  debt = debt + ARGV[1]
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal: a TAT that must be cut, a key that somebody made permanent.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
value = string.format('%.0f', now + debt)
call('SET', KEYS[1], value, 'PX', math.floor(debt / 1000) + 2)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. value
