#!lua flags=allow-oom
-- quota_refund: Takes back part of a charge to a quota, if the period that it was charged in is the present one.
-- KEYS: state, reservations, leases
-- ARGV: count, resets_at_us, period, zone, span_us
-- REPLY: credited
--@include clock
--@include calendar
local period, zone, span = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
--@include quota_state
if ends ~= stored or ends - ARGV[2] ~= 0 then return 0 end
if due and due <= now then
--@include quota_lapse
end
local credit = math.min(used, tonumber(ARGV[1]))
used = used - credit
--@include quota_write
return credit
