#!lua
-- quota_reserve: Charges a cost and keeps it as a reservation that returns when its lease ends, or denies it.
-- KEYS: state, reservations, leases, settled
-- ARGV: cost, room, period, zone, span_us, id, lease_us
-- REPLY: state
--
-- reservations has by id "o cost ends" for an open one, ends being the period that it was charged in; "c actual" for a
-- committed and "x" for a cancelled one. leases orders the open ones by the end of their lease, settled the others by the
-- moment when they are forgotten. The reply has the form of quota_consume's; its code is 0 denied, 1 reserved, 3 open with another
-- cost, 4 settled, 5 too many.
--@include clock
--@include calendar
local period, zone, span = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
--@include quota_state
--@include quota_forget
--@include quota_lapse
forget(past)
local code, entry = '1 ', call('HGET', KEYS[2], ARGV[6])
if entry then
  local cost = string.match(entry, '^o (%d+) ')
  if not cost then
    code = '4 '
  elseif cost ~= ARGV[1] then
    code = '3 '
  end
elseif used - ARGV[2] > 0 then
  code = '0 '
elseif call('ZCARD', KEYS[3]) >= 1000 then
  code = '5 '
else
  local lease_ends = now + ARGV[7]
  used = used + ARGV[1]
  if not due or lease_ends < due then due = lease_ends end
  call('HSET', KEYS[2], ARGV[6], 'o ' .. ARGV[1] .. string.format(' %.0f', ends))
  call('ZADD', KEYS[3], string.format('%.0f', lease_ends), ARGV[6])
  -- They outlive the state, for what it holds of a reservation is given back by them. One life for the three: a reservation that
  -- is open without its lease would never lapse.
  local life = math.max(math.floor(math.max(tonumber(ARGV[7]), ends - now) / 1000) + 3, call('PTTL', KEYS[2]))
  for i = 2, 4 do
    if call('PTTL', KEYS[i]) < life then call('PEXPIRE', KEYS[i], life) end
  end
end
--@include quota_write
return code .. time[1] .. ' ' .. time[2] .. ' ' .. value
