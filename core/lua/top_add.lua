#!lua
-- top_add: Adds to the score of a member, and drops the last of the others while there are too many.
-- KEYS: scores, ends
-- ARGV: member, delta, keep, ttl_us, sliding
-- REPLY: code, rank, score, size, expires_after_us
--
-- scores is a sorted set of negated scores, so that its order is that of the ranks: the highest score first, of equal ones the
-- first in bytes. delta is negated too. code is 0, or 1 where the score would leave its bounds.
--@include clock
local end_key, ttl, sliding = KEYS[2], tonumber(ARGV[4]), ARGV[5]
--@include ends_state
local size, before = call('ZCARD', KEYS[1]), call('ZSCORE', KEYS[1], ARGV[1])
if over then size, before = 0, false end
local score = (before and tonumber(before) or 0) + ARGV[2]
if score ~= math.floor(score) then
  return redis.error_reply('WRONGTYPE a score of a top is no whole number')
end
if score > 9007199254740991 or score < -9007199254740991 then
  return {1, 0, '0', size, ends and not over and ends - now or -1}
end
if over then
  call('DEL', KEYS[1], KEYS[2])
  ends = nil
end
call('ZADD', KEYS[1], string.format('%.0f', score), ARGV[1])
if not before then size = size + 1 end
local rank, keep = call('ZRANK', KEYS[1], ARGV[1]), tonumber(ARGV[3])
if size > keep then
  if rank >= keep then
    call('ZREMRANGEBYRANK', KEYS[1], rank + 1, -1)
    call('ZREMRANGEBYRANK', KEYS[1], keep - 1, rank - 1)
    rank = keep - 1
  else
    call('ZREMRANGEBYRANK', KEYS[1], keep, -1)
  end
  size = keep
end
local live = KEYS[1]
--@include ends_write
return {0, rank + 1, string.format('%.0f', -score), size, left}
