#!lua flags=allow-oom
-- quota_settle: Commits a reservation with what was used, or cancels it.
-- KEYS: state, reservations, leases, settled
-- ARGV: entry, actual, period, zone, span_us, id
-- REPLY: state
--
-- entry is what is kept of it, "c actual" or "x". The reply has the form of quota_consume's; its code is 1 settled, 2 not there, 3
-- settled otherwise, 6 settled after the period that it was charged in.
--@include clock
--@include calendar
local period, zone, span = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
--@include quota_state
--@include quota_forget
--@include quota_lapse
forget(past)
local code, entry = '1 ', call('HGET', KEYS[2], ARGV[6])
local cost, charged_in = string.match(entry or '', '^o (%d+) (%d+)$')
if not entry then
  code = '2 '
elseif not cost then
  if entry ~= ARGV[1] then code = '3 ' end
else
  if ends == stored and charged_in - stored == 0 then
    used = math.min(math.max(0, used - cost) + ARGV[2], 9007199254740991)
  else
    code = '6 '
  end
  call('HSET', KEYS[2], ARGV[6], ARGV[1])
  call('ZREM', KEYS[3], ARGV[6])
  call('ZADD', KEYS[4], string.format('%.0f', now + 600000000), ARGV[6])
  -- One life for the three, as in quota_reserve.
  local life = math.max(600003, call('PTTL', KEYS[2]))
  for i = 2, 4 do
    call('PEXPIRE', KEYS[i], life)
  end
  due = tonumber(call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2])
  -- The oldest of more than 1,000 are forgotten before their time.
  local many = call('ZCARD', KEYS[4]) - 1000
  if many > 0 then forget(call('ZRANGE', KEYS[4], 0, many - 1)) end
end
--@include quota_write
return code .. time[1] .. ' ' .. time[2] .. ' ' .. value
