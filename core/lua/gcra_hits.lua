#!lua
-- gcra_hits: Charges as many of several equal GCRA hits as fit, as if they came one after another.
-- KEYS: tat
-- ARGV: parts, cost_us, cost_rest, room_us, room_rest, ahead_us, hits
-- REPLY: state
--
-- The first six words are those of one hit, as gcra_exact_hit has them; a rate without a remainder has one part, and states of 16 digits.
-- The reply has the form of gcra_hit's, with how many were charged.
--@include clock
local value = call('GET', KEYS[1])
local parts = tonumber(ARGV[1])
local debt, debt_rest, heal = 0, 0, false
if value then
--@include gcra_state
  if tat >= now then
    debt, debt_rest = tat - now, rest
    if debt_rest >= parts then
      if parts == 1 then debt, debt_rest = debt + 1, 0 else debt_rest = parts - 1 end
    end
    if debt - ARGV[6] > 0 then
      debt, debt_rest, heal = tonumber(ARGV[6]), 0, true
    end
  end
end
local room, hits = (ARGV[4] - debt) * parts + ARGV[5] - debt_rest, 0
if room >= 0 then
  hits = math.min(tonumber(ARGV[7]), math.floor(room / (ARGV[2] * parts + ARGV[3])) + 1)
  debt_rest = debt_rest + hits * ARGV[3]
  local over = math.floor(debt_rest / parts)
  debt, debt_rest = debt + hits * ARGV[2] + over, debt_rest - over * parts
elseif not heal and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal: a TAT that must be cut, a key that somebody made permanent.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
if parts == 1 then
  value = string.format('%.0f', now + debt)
  call('SET', KEYS[1], value, 'PX', math.floor(debt / 1000) + 2)
else
  value = string.format('%.0f%03d', now + debt, debt_rest)
  call('SET', KEYS[1], value, 'PX', math.floor(debt / 1000) + 3)
end
return hits .. ' ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
