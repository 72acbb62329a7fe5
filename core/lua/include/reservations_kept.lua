-- reservations_kept: What reserving and settling know of reservations besides. Reads all that they read, before the first write.
local past, id = call('ZRANGEBYSCORE', settled, '-inf', string.format('%.0f', now)), ARGV[3]
local known, many = call('HGET', records, id), call('ZCARD', open)
local function forget(ids)
  for _, each in ipairs(ids) do
    call('ZREM', settled, each)
    call('HDEL', records, each)
  end
end
-- The three keys end together, in so many ms or later.
local function keep(life)
  life = math.max(life, call('PTTL', records))
  for i = 0, 2 do
    call('PEXPIRE', KEYS[#KEYS - i], life)
  end
end
-- The limits as a record names them.
local function signature()
  local names = {}
  for i = 1, count do
    names[i] = parts_of[i] .. (shadows[i] and '!' or '')
  end
  return table.concat(names, ' ')
end
local function tell(charged)
  local reply = charged .. ' ' .. time[1] .. ' ' .. time[2]
  for i = 1, count do
    reply = reply .. ' ' .. (states[i] or 'none')
  end
  return reply
end
