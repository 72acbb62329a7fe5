#!lua
-- window_hit: Charges a hit to a fixed window that opens with its first hit, or denies it.
-- KEYS: window
-- ARGV: cost, room, period_us
-- REPLY: now, ends, charged, count
--
-- The state is the window's end in us (16 digits) followed by the count. The hit is admitted when the count is at most room.
-- An end further ahead than one period (the clock stepped back, the period was shortened) is cut to that.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ends, count, cut = now + ARGV[3], 0, false
local value = redis.call('GET', KEYS[1])
if value then
  local stored, counted = tonumber(string.sub(value, 1, 16)), tonumber(string.sub(value, 17))
  if not stored or not counted or stored < 1000000000000000 then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  if stored > now then
    count = counted
    if stored > ends then cut = true else ends = stored end
  end
end
local charged = 0
if count <= tonumber(ARGV[2]) then
  charged = 1
  count = count + ARGV[1]
end
if charged == 1 or cut then
  redis.call('SET', KEYS[1], string.format('%.0f%.0f', ends, count), 'PX', math.floor((ends - now) / 1000) + 2)
else
  redis.call('PEXPIRE', KEYS[1], math.floor((ends - now) / 1000) + 2, 'NX')
end
return {now, ends, charged, count}
