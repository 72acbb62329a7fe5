#!lua
-- log_hit: Charges a hit to a sliding window log, or denies it.
-- KEYS: log
-- ARGV: cost, capacity, period_us
-- REPLY: state
--
-- As shape_log has it. The reply has the form of gcra_hit's.
--@include clock
--@include stamp
local length, gone, ahead = call('LLEN', KEYS[1]), 0, 0
local oldest, newest, told
if length > 0 then
  local ended, page = now - ARGV[3], 4
  told = call('LINDEX', KEYS[1], '-1')
  oldest, newest = tonumber(call('LINDEX', KEYS[1], '0')), tonumber(told)
  if not (newest and oldest and oldest >= 1000000000000000) then
    return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
  end
  while gone < length and oldest <= ended do
    for _, entry in ipairs(call('LRANGE', KEYS[1], gone, gone + page - 1)) do
      oldest = tonumber(entry)
      if not oldest then return redis.error_reply('WRONGTYPE the key of a limiter holds something else') end
      if oldest > ended then break end
      gone = gone + 1
    end
    page = math.min(4 * page, 1000)
  end
  -- What lies after now was written before the clock stepped back: it is as good as written now.
  while newest > now and ahead < length and call('LINDEX', KEYS[1], -1 - ahead) - now > 0 do
    ahead = ahead + 1
  end
  if ahead > 0 then newest, told = now, stamp end
end
local used, more = length - gone, tonumber(ARGV[1])
local over = used + more - ARGV[2]
if over > 0 then
  local opens = '0'
  if used == 0 then
    told = '0'
  elseif over <= used then
    if over > 1 then oldest = tonumber(call('LINDEX', KEYS[1], string.format('%d', gone + over - 1))) end
    opens = string.format('%.0f', math.min(oldest, now) + ARGV[3])
  end
  told = length == 0 and 'none' or string.format('%d', used) .. ':' .. told .. ':' .. opens
  if length == 0 or ahead == 0 and call('PTTL', KEYS[1]) >= 0 then
    -- A denial writes only to heal.
    return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. told
  end
  more = 0
else
  newest, told = now, string.format('%d', used + more) .. ':' .. stamp .. ':0'
end
if gone > 0 then call('LPOP', KEYS[1], gone) end
if ahead > 0 then call('RPOP', KEYS[1], ahead) end
more = more + ahead
if more == 1 then
  call('RPUSH', KEYS[1], stamp)
else
  while more > 0 do
    local stamps = {}
    for i = 1, math.min(more, 1000) do
      stamps[i] = stamp
    end
    call('RPUSH', KEYS[1], unpack(stamps))
    more = more - #stamps
  end
end
local left = newest + ARGV[3] - now
--@include px
call('PEXPIRE', KEYS[1], px)
return (over > 0 and '0 ' or '1 ') .. time[1] .. ' ' .. time[2] .. ' ' .. told
