#!lua
-- leases_hit: Takes permits of a concurrent limit, or denies them.
-- KEYS: leases
-- ARGV: cost, capacity, lease_us
-- REPLY: state
--
-- As shape_leases has it. Leases that have ended are counted out only where they decide; of those that last only one that
-- ends after the new ones is looked for. The reply has the form of gcra_hit's.
--@include clock
--@include stamp
local ends, most, heal, after = now + ARGV[3], now + ARGV[3] + 86400000000, false, '(' .. stamp
local moment = ends
--@include digits
local held = call('ZCARD', KEYS[1])
local used, over = held, held + ARGV[1] - ARGV[2]
if over > 0 and held > 0 then
  used = call('ZCOUNT', KEYS[1], after, '+inf')
  over = used + ARGV[1] - ARGV[2]
end
local latest = ends
if used > 0 and (over > 0 or call('ZCOUNT', KEYS[1], '(' .. digits, '+inf') > 0) then
  latest = tonumber(call('ZRANGE', KEYS[1], '-1', '-1', 'WITHSCORES')[2])
  if latest > most then latest, heal = most, true end
end
local told = 'none'
if over > 0 and used > 0 then
  local opens = 0
  if over <= used then
    opens = call('ZRANGE', KEYS[1], after, '+inf', 'BYSCORE', 'LIMIT', string.format('%d', over - 1), '1', 'WITHSCORES')[2]
    opens = math.min(opens, most)
  end
  told = string.format('%d:%.0f:%.0f:0', used, latest, opens)
end
if over > 0 and (used == 0 or not heal and call('PTTL', KEYS[1]) >= 0) then
  -- A denial writes only to heal.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. told
end
if heal then
  most = string.format('%.0f', most)
  for _, member in ipairs(call('ZRANGE', KEYS[1], '(' .. most, '+inf', 'BYSCORE')) do
    call('ZADD', KEYS[1], most, member)
  end
end
local charged = '0 '
used = held - call('ZREMRANGEBYSCORE', KEYS[1], '-inf', stamp)
if over <= 0 then
  charged = '1 '
  local id, tried = stamp, now
  while call('ZADD', KEYS[1], 'NX', digits, id .. ':1') == 0 do
    tried = tried + 1
    id = string.format('%.0f', tried)
  end
  for i = 2, ARGV[1] do
    call('ZADD', KEYS[1], digits, id .. ':' .. i)
  end
  if latest > ends then digits = string.format('%.0f', latest) end
  told = string.format('%d', used + ARGV[1]) .. ':' .. digits .. ':0:' .. id
end
local left = latest - now
--@include px
call('PEXPIRE', KEYS[1], px)
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. told
