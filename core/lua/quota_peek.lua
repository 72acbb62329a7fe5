#!lua flags=no-writes
-- quota_peek: Reads how a key of a quota stands in the present period.
-- KEYS: state, reservations, leases
-- ARGV: period, zone, span_us
-- REPLY: state
--
-- The reply has the form of quota_consume's, nothing charged. What lapsed is left where it is, and counted as given back.
--@include clock
--@include calendar
local period, zone, span = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
--@include quota_state
if due and due <= now then
--@include quota_over
  used = math.max(0, used - lapsed)
end
return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. string.format('%.0f%.0f', ends, used)
