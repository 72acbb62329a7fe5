-- quota_lapse: Gives back the reservations that are over. Uses used, due, write; reads all before it writes.
--@include quota_over
for _, id in ipairs(over) do
  call('ZREM', KEYS[3], id)
  call('HDEL', KEYS[2], id)
end
if stored > now then used = math.max(0, used - lapsed) end
local first = call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
due, write = tonumber(first[2]), true
