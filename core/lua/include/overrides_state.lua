-- overrides_state: Reads what is kept of overrides, before any change. version is the number of the last change, floor that from which on
-- all changes are known. clear(key) takes one away, sweep() those that have ended, keep() ends the step.
local all, changed, cleared, ends = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local before = call('HMGET', all, 'version', 'floor')
local kept, version, floor = call('HLEN', all) - 2, tonumber(before[1] or ''), tonumber(before[2] or '')
call('ZCARD', changed)
call('ZCARD', cleared)
call('ZCARD', ends)
if kept == -2 then
  kept, version = 0, 0
elseif not version or not floor then
  return redis.error_reply('WRONGTYPE the key of the overrides holds something else')
end
local function number()
  version = math.max(version + 1, now)
  return string.format('%.0f', version)
end
local function clear(key)
  if call('HDEL', all, '=' .. key) == 0 then return end
  kept = kept - 1
  local change = number()
  call('ZADD', changed, change, key)
  call('ZADD', cleared, change, key)
  call('ZREM', ends, key)
end
local function sweep()
  if not floor then call('DEL', changed, cleared, ends) end
  for _, key in ipairs(call('ZRANGE', ends, '-inf', string.format('%.0f', now), 'BYSCORE', 'LIMIT', 0, 100)) do
    clear(key)
  end
end
local function keep()
  local forgotten = call('ZPOPMIN', cleared, math.max(0, call('ZCARD', cleared) - 1000))
  for i = 1, #forgotten, 2 do
    call('ZREM', changed, forgotten[i])
    floor = tonumber(forgotten[i + 1])
  end
  -- Whoever knows of changes before the first knows of what is there no more.
  call('HSET', all, 'version', string.format('%.0f', version), 'floor', string.format('%.0f', floor or version))
  if call('ZCARD', ends) < kept then
    for i = 1, 4 do call('PERSIST', KEYS[i]) end
    return
  end
  -- For another day readers are told that nothing is left.
  local latest = tonumber(call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2] or now)
  for i = 1, 4 do call('PEXPIRE', KEYS[i], math.max(0, math.floor((latest - now) / 1000)) + 86400002) end
end
