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
  for _, id in ipairs(call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))) do
    local cost, charged_in = string.match(call('HGET', KEYS[2], id) or '', '^o (%d+) (%d+)$')
    if cost and charged_in - stored == 0 then used = math.max(0, used - cost) end
  end
end
return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. string.format('%.0f%.0f', ends, used)
