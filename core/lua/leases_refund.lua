#!lua flags=allow-oom
-- leases_refund: Gives permits back: the last `credit` of the `held` that the hit with that id took.
-- KEYS: leases
-- ARGV: credit, held, id
-- REPLY: limits
local call, credit = redis.call, tonumber(ARGV[1])
for i = ARGV[2], 1, -1 do
  if credit <= 0 then break end
  credit = credit - call('ZREM', KEYS[1], ARGV[3] .. ':' .. i)
end
if call('PTTL', KEYS[1]) == -1 then
--@include clock
  local latest = tonumber(call('ZRANGE', KEYS[1], '-1', '-1', 'WITHSCORES')[2])
  call('PEXPIRE', KEYS[1], math.max(0, math.floor((latest - now) / 1000)) + 2)
end
return 1
