#!lua
-- leases_renew: Keeps the permits of a hit for another lease, those that were not given back. The first is given back last.
-- KEYS: leases
-- ARGV: lease_us, id, held
-- REPLY: renewed
--@include clock
local ends = call('ZSCORE', KEYS[1], ARGV[2] .. ':1')
if not ends or tonumber(ends) <= now then return 0 end
ends = string.format('%.0f', now + ARGV[1])
for i = 1, ARGV[3] do
  call('ZADD', KEYS[1], 'XX', ends, ARGV[2] .. ':' .. i)
end
local latest = tonumber(call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
call('PEXPIRE', KEYS[1], math.floor((latest - now) / 1000) + 2)
return 1
