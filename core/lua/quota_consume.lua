#!lua
-- quota_consume: Charges a cost in the present period of a quota, or denies it.
-- KEYS: state, reservations, leases
-- ARGV: cost, room, period, zone, span_us
-- REPLY: state
--
-- The cost fits when what is charged is at most room. The reply is one text, "code seconds microseconds state": 1 or 0, the
-- clock, the state as it is now. An open reservation is charged already, so the other keys are only looked at when a lease has
-- ended.
--@include clock
--@include calendar
local period, zone, span = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
--@include quota_state
if due and due <= now then
--@include quota_lapse
end
local code = '0 '
if used - ARGV[2] <= 0 then
  code, used = '1 ', used + ARGV[1]
elseif not write and call('PTTL', KEYS[1]) >= 0 then
  -- A denial writes only to heal: what lapsed, an end that must be cut, a key that somebody made permanent.
  return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. value
end
--@include quota_write
return code .. time[1] .. ' ' .. time[2] .. ' ' .. value
