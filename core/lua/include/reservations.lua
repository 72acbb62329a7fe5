-- reservations: What is kept of reservations, in the last three of KEYS: records, open, settled. Uses count.
--
-- records has by id, in lines: "o cost" of an open one, "c actual" of a committed, "x" of a cancelled one; the limits that decided
-- (the parts of their keys, ! behind a shadow's); the reply as it was told; and of an open one a line for each limit that was charged:
-- the part of its key, what give_back must know of the limit and of the step, and its state right after the charge. open orders ids by
-- the end of their lease, settled those that were settled by the moment when they are forgotten.
--@include refund_tat
--@include refund_window
--@include refund_counter
--@include refund_log
--@include refund_leases
local records, open, settled = KEYS[#KEYS - 2], KEYS[#KEYS - 1], KEYS[#KEYS]
local parts_of, key_of = {}, {}
for i = 1, count do
  parts_of[i] = string.match(KEYS[i], '}:(.+)$')
  key_of[parts_of[i]] = KEYS[i]
end
-- What `hits` cost at an interval of `whole` us and `over` parts: us, and parts. The first is 2^52 at most, which no debt reaches.
local function price(hits, whole, over, parts)
  if whole > 0 and hits > 4503599627370496 / whole then return 4503599627370496, 0 end
  -- hits * over may have 62 bits: in two halves.
  local high = math.floor(hits / 67108864)
  local upper = high * over
  local carried = upper % parts
  local lower = carried * 67108864 + (hits - high * 67108864) * over
  return hits * whole + (upper - carried) / parts * 67108864 + math.floor(lower / parts), lower % parts
end
-- A function that gives back `credit` of what a line of a record tells of a charge of `cost`, made at `decided`; nil when there is
-- nothing to be given back.
local function give_back(line, credit, cost, decided)
  local told, n = {}, 0
  for each in string.gmatch(line, '[^ ]+') do
    n = n + 1
    told[n] = each
  end
  local key, shape, state = key_of[told[1]], string.match(told[1], '^%a+'), told[n]
  if not key or (credit == 0 and shape ~= 'leases') then return end
  at = 1
  if shape == 'tat' then
    local us, rest = price(credit, tonumber(told[3]), tonumber(told[4]), tonumber(told[2]))
    local left_rest = #state > 16 and string.sub(state, 17) or 0
    words = { told[2], us, rest, string.sub(state, 1, 16), left_rest, told[5], told[6], told[7], decided, told[8], credit == cost and 1 or 0 }
    return refund_tat(key, key .. ':refunds')
  elseif shape == 'window' then
    words = { credit, string.sub(state, 1, 16) }
    return refund_window(key)
  elseif shape == 'counter' then
    words = { credit, string.sub(state, 1, 16) + 2 * told[2], told[2] }
    return refund_counter(key)
  elseif shape == 'log' then
    words = { credit, string.match(state, ':(%d+):'), told[2] }
    return refund_log(key)
  end
  -- Permits are not used up: all of them.
  words = { cost, cost, string.match(state, '%d+$') }
  return refund_leases(key)
end
-- Lines of a record.
local function lines_of(entry)
  local lines = {}
  for line in string.gmatch(entry, '[^\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
-- What gives back an open reservation, `credit` of it or all: functions in a list. What their keys hold has been looked at before.
local function returns_of(lines, credit)
  local cost, writes = tonumber(string.sub(lines[1], 3)), {}
  local seconds, us = string.match(lines[3], '^%S+ (%d+) (%d+)')
  for i = 4, #lines do
    local write = give_back(lines[i], credit or cost, cost, seconds * 1000000 + us)
    writes[#writes + 1] = write
  end
  return writes
end
-- Whether all lists of refunds are such.
local function read_all_refunds()
  for part, key in pairs(key_of) do
    if string.sub(part, 1, 4) == 'tat:' and read_refunds(key .. ':refunds') == foreign then return false end
  end
  return true
end
-- Gives back the reservations whose lease has ended: whether there were any, or a table when a key holds something else. A lease ends in
-- a day at most; one further ahead was written before the clock stepped back, and is cut to that.
local function lapse()
  local until_now, day = string.format('%.0f', now), string.format('%.0f', now + 86400000000)
  local ahead = call('ZRANGEBYSCORE', open, '(' .. day, '+inf')
  local over = call('ZRANGEBYSCORE', open, '-inf', until_now)
  if #over == 0 and #ahead == 0 then return false end
  call('HLEN', records)
  if not read_all_refunds() then return foreign end
  for _, id in ipairs(over) do
    local entry = call('HGET', records, id)
    local writes = entry and string.sub(entry, 1, 1) == 'o' and returns_of(lines_of(entry)) or {}
    for _, write in ipairs(writes) do
      write()
    end
    call('ZREM', open, id)
    call('HDEL', records, id)
  end
  for _, id in ipairs(ahead) do
    call('ZADD', open, day, id)
  end
  return #over > 0
end
