#!lua
-- override_set: Keeps the override of a key.
-- KEYS: overrides, changed, cleared, ends
-- ARGV: key, limits, ttl_us, most
-- REPLY: code, version, ends_at, now
--
-- overrides is a hash: by "=" and the key when it ends, us, 0 for never, a space and its limits; version and floor. changed orders
-- keys by the number of their last change, those among them that have none any more too, which cleared has besides: 1,000 at most.
-- ends orders keys by when their overrides end.
--
-- code is 0, or 1 where there are too many.
--@include clock
local ttl = tonumber(ARGV[3])
--@include overrides_state
sweep()
local known = call('HEXISTS', all, '=' .. ARGV[1]) == 1
if not known and kept >= tonumber(ARGV[4]) then
  keep()
  return { 1, version, 0, now }
end
local at, change = ttl > 0 and now + ttl or 0, number()
call('HSET', all, '=' .. ARGV[1], string.format('%.0f ', at) .. ARGV[2])
call('ZADD', changed, change, ARGV[1])
call('ZREM', cleared, ARGV[1])
if at > 0 then
  call('ZADD', ends, string.format('%.0f', at), ARGV[1])
else
  call('ZREM', ends, ARGV[1])
end
if not known then kept = kept + 1 end
keep()
return { 0, version, at, now }
