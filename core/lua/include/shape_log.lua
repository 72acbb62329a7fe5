-- shape_log: A sliding window log. Terms: capacity, period_us.
--
-- The state is a list of the moments of what was charged, oldest first, one entry each. Only the newest `capacity` of them can
-- matter, so there are never more. It is told as used:newest:opens, the last being when `want` will fit, 0 when it does.
local function log_look(key, want)
  local capacity, period = word(0), word(1)
  at = at + 2
  local length, gone, ahead, newest = call('LLEN', key), 0, 0, 0
  local function moment(index)
    return tonumber(call('LINDEX', key, index))
  end
  if length > 0 then
    newest = moment(-1)
    local oldest = moment(0)
    if not (newest and oldest and oldest >= 1000000000000000) then return foreign end
    while gone < length and oldest + period <= now do
      for _, entry in ipairs(call('LRANGE', key, gone, gone + 99)) do
        oldest = tonumber(entry)
        if not oldest then return foreign end
        if oldest + period > now then break end
        gone = gone + 1
      end
    end
    -- What lies after now was written before the clock stepped back.
    while newest > now and ahead < length and moment(-1 - ahead) > now do
      ahead = ahead + 1
    end
  end
  local used = length - gone
  local fits = math.min(want, math.max(0, capacity - used))
  local function tell(opens)
    if used == 0 then return '0:0:0' end
    return string.format('%.0f:%.0f:%.0f', used, math.min(newest, now), opens)
  end
  local opens, least = 0, up_to or want
  if fits < least and least <= capacity and used > 0 then
    opens = math.min(moment(gone + used + least - capacity - 1), now) + period
  end
  local function charge(count, denied)
    if gone > 0 then call('LPOP', key, gone) end
    if ahead > 0 then call('RPOP', key, ahead) end
    local stamp, left = string.format('%.0f', now), ahead + math.min(count, capacity)
    used = used + math.min(count, capacity)
    if left > 0 then newest = now end
    while left > 0 do
      local stamps = {}
      for i = 1, math.min(left, 1000) do
        stamps[i] = stamp
      end
      call('RPUSH', key, unpack(stamps))
      left = left - #stamps
    end
    if count > 0 and used > capacity then
      call('LTRIM', key, -capacity, -1)
      used = capacity
    end
    if used > 0 then call('PEXPIRE', key, math.floor((math.min(newest, now) + period - now) / 1000) + 2) end
    -- A denial that was charged, or mended what it found, comes in at another time than it saw; so does who comes after a part was granted.
    if denied and least <= capacity and used + least > capacity then
      return tell(moment(used + least - capacity - 1) + period)
    end
    return tell(0)
  end
  return fits, charge, length > 0 and tell(opens), ahead > 0
end
