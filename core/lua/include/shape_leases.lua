-- shape_leases: Permits in use at once. Terms: capacity, lease_us.
--
-- The state is a sorted set: one member for each permit held, "id:number", scored by when its lease ends. An id is the moment of
-- the hit in us, or the next that is free. It is told as used:latest:opens:id, opens being when leases that end will make room for
-- `want`, 0 when there is, and id that of the hit. A lease further ahead than a day and its length is left by a clock that stepped back.
local function leases_look(key, want)
  local capacity, lease = word(0), word(1)
  at = at + 2
  local after = '(' .. string.format('%.0f', now)
  local used, latest, heal = call('ZCOUNT', key, after, '+inf'), 0, false
  local most = now + lease + 86400000000
  if used > 0 then
    latest = tonumber(call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
    if latest > most then latest, heal = most, true end
  end
  local fits = math.min(want, math.max(0, capacity - used))
  local opens, least = 0, up_to or want
  if fits < least and least <= capacity then
    opens = tonumber(call('ZRANGE', key, after, '+inf', 'BYSCORE', 'LIMIT', used + least - capacity - 1, 1, 'WITHSCORES')[2])
    opens = math.min(opens, most)
  end
  local function tell(id)
    return string.format('%.0f:%.0f:%.0f:%.0f', used, latest, opens, id)
  end
  local function charge(count)
    if heal then
      for _, member in ipairs(call('ZRANGE', key, '(' .. string.format('%.0f', most), '+inf', 'BYSCORE')) do
        call('ZADD', key, string.format('%.0f', most), member)
      end
    end
    call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
    local id = 0
    if count > 0 then
      id = now
      while call('ZSCORE', key, string.format('%.0f:1', id)) do
        id = id + 1
      end
      latest, used, opens = math.max(latest, now + lease), used + count, 0
      local ends = string.format('%.0f', now + lease)
      for i = 1, count do
        call('ZADD', key, ends, string.format('%.0f:%.0f', id, i))
      end
    end
    if used > 0 then call('PEXPIRE', key, math.floor((latest - now) / 1000) + 2) end
    return tell(id)
  end
  return fits, charge, used > 0 and tell(0), heal
end
