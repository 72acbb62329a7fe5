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
local value, charged, debt = call('GET', KEYS[1]), '1 ', 0
if value then
--@include gcra_whole
  debt = tat - now
  if debt < 0 then
    debt = 0
  elseif debt - ARGV[2] > 0 then
    charged = '0 '
    if debt - ARGV[3] > 0 then
      debt = tonumber(ARGV[3])
    elseif call('PTTL', KEYS[1]) >= 0 then
      -- A denial writes only to heal: a TAT that must be cut, a key that somebody made permanent.
      return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
    end
  end
end
if charged == '1 ' then debt = debt + ARGV[1] end
local left, moment = debt, now + debt
--@include px
--@include digits
call('SET', KEYS[1], digits, 'PX', px)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. digits
