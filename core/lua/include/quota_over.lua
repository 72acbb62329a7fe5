-- quota_over: The reservations whose lease has ended, and those whose lease ends more than 8 days ahead: none is longer than 7, so
-- the clock was set back. Gives their ids as over, and lapsed: what of them is charged in the stored period. Reads only.
local over = call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
for _, id in ipairs(call('ZRANGEBYSCORE', KEYS[3], string.format('(%.0f', now + 691200000000), '+inf')) do
  over[#over + 1] = id
end
local lapsed = 0
for _, id in ipairs(over) do
  local cost, charged_in = string.match(call('HGET', KEYS[2], id) or '', '^o (%d+) (%d+)$')
  if cost and charged_in - stored == 0 then lapsed = lapsed + cost end
end
