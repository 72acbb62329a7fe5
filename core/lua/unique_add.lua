#!lua
-- unique_add: Adds a member to a unique counter, and promotes it to a HyperLogLog when its set is full.
-- KEYS: exact, sketch, ends
-- ARGV: member, most, ttl_us, sliding
-- REPLY: novelty, exact, members, expires_after_us
--
-- exact is a set of at most `most` members, sketch the HyperLogLog that takes its place; ends is when both count from nothing
-- again, 16 digits. An end further ahead than ttl_us (the clock stepped back, the time was shortened) is cut to it. novelty is 0
-- known, 1 new, 2 untold; expires_after_us is -1 when there is no end.
--@include clock
local end_key, ttl, sliding = KEYS[3], tonumber(ARGV[3]), ARGV[4]
--@include ends_state
local exact, estimated = call('SCARD', KEYS[1]), call('EXISTS', KEYS[2]) == 1
if over then
  if estimated then call('PFCOUNT', KEYS[2]) end
  call('DEL', KEYS[1], KEYS[2], KEYS[3])
  exact, estimated, ends = 0, false, nil
end
local novelty, members, live = 2, nil, KEYS[2]
if estimated then
  if call('PFADD', KEYS[2], ARGV[1]) == 1 then novelty = 1 end
elseif call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then
  novelty, members, live = 0, exact, KEYS[1]
elseif exact < tonumber(ARGV[2]) then
  call('SADD', KEYS[1], ARGV[1])
  novelty, members, live = 1, exact + 1, KEYS[1]
else
  local known = call('SMEMBERS', KEYS[1])
  for i = 1, #known, 1000 do
    call('PFADD', KEYS[2], unpack(known, i, math.min(i + 999, #known)))
  end
  call('PFADD', KEYS[2], ARGV[1])
  call('DEL', KEYS[1])
  novelty = 1
end
--@include ends_write
if members then return {novelty, 1, members, left} end
return {novelty, 0, call('PFCOUNT', KEYS[2]), left}
