-- quota_lapse: Gives back the reservations whose lease has ended, and those whose lease ends more than 8 days ahead: none is
-- longer than 7, so the clock was set back. Uses used, due, write; reads all before it writes.
local over = call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
for _, id in ipairs(call('ZRANGEBYSCORE', KEYS[3], string.format('(%.0f', now + 691200000000), '+inf')) do
  over[#over + 1] = id
end
local lapsed = 0
for _, id in ipairs(over) do
  local cost, charged_in = string.match(call('HGET', KEYS[2], id) or '', '^o (%d+) (%d+)$')
  if cost and charged_in - stored == 0 then lapsed = lapsed + cost end
end
for _, id in ipairs(over) do
  call('ZREM', KEYS[3], id)
  call('HDEL', KEYS[2], id)
end
if stored > now then used = math.max(0, used - lapsed) end
local first = call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
due, write = tonumber(first[2]), true
