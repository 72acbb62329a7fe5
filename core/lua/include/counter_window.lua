-- counter_window: Reads a windowed count, and turns its ring on to now: at, the number of the running bucket; pos, its place in
-- the ring; sum, of the buckets that are in the window; gone, the places whose time has passed. The place does not follow from
-- the number, so that after a step back of the clock, which begins with the buckets as they are, all of them age again.
local at = math.floor(now / width)
local held = call('HMGET', KEYS[1], 'at', 'pos', 'sum')
local was, pos, sum, gone = tonumber(held[1] or at), tonumber(held[2] or '0'), tonumber(held[3] or '0'), {}
if not (was and pos and sum and pos >= 0 and pos < buckets) or (not held[1] and call('EXISTS', KEYS[1]) == 1) then
  return redis.error_reply('WRONGTYPE the key of a counter holds something else')
end
for step = 1, math.min(at - was, buckets) do
  pos = (pos + 1) % buckets
  gone[step] = pos
end
if #gone == buckets then
  sum = 0
elseif #gone > 0 then
  for _, count in ipairs(call('HMGET', KEYS[1], unpack(gone))) do
    sum = sum - (tonumber(count) or 0)
  end
end
local ends = held[1] and (at + buckets) * width or 0
