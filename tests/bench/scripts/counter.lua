-- What one writes by hand: two counts, of which the older weighs as much as the last period still overlaps its window.
-- KEYS: start of the window (us), its count, a slash, the count before   ARGV: limit, period (us)
-- REPLY: allowed, remaining, retry_after (us), reset_after (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local start, current, previous = now, 0, 0
local value = redis.call('GET', KEYS[1])
if value then
  local slash = string.find(value, '/', 18, true)
  local begun, counted = tonumber(string.sub(value, 1, 16)), tonumber(string.sub(value, 17, slash - 1))
  if now - begun < period then
    start, current, previous = begun, counted, tonumber(string.sub(value, slash + 1))
  elseif now - begun < 2 * period then
    start, previous = begun + period, counted
  end
end
local left = start + period - now
local used = current + math.ceil(previous * left / period)
if used < limit then
  local value = string.format('%.0f%.0f/%.0f', start, current + 1, previous)
  redis.call('SET', KEYS[1], value, 'PX', math.ceil((left + period) / 1000))
  return {1, limit - used - 1, 0, left + period}
end
local opens
if current < limit then
  opens = left - math.floor((limit - 1 - current) * period / previous)
else
  opens = left + math.max(0, period - math.floor((limit - 1) * period / current))
end
return {0, 0, opens, current > 0 and left + period or left}
