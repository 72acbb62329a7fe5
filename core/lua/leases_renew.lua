#!lua
-- leases_renew: Keeps the permits of a hit for another lease, if all of them are held still.
-- KEYS: leases
-- ARGV: lease_us, id, held
-- REPLY: renewed
--@include clock
for i = 1, ARGV[3] do
  local ends = call('ZSCORE', KEYS[1], ARGV[2] .. ':' .. i)
  if not ends or tonumber(ends) <= now then return 0 end
end
local ends = now + ARGV[1]
for i = 1, ARGV[3] do
  call('ZADD', KEYS[1], string.format('%.0f', ends), ARGV[2] .. ':' .. i)
end
local latest = tonumber(call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
call('PEXPIRE', KEYS[1], math.floor((latest - now) / 1000) + 2)
return 1
