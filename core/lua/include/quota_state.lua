-- quota_state: Takes KEYS[1] apart into ends, used and due, by period, zone and span; opens a period where the last has ended.
--
-- The state is the period's end in us (16 digits) and what is charged in it; while reservations are open also a colon and the
-- moment when the first of them lapses: due. An end further ahead than span, two of the longest periods, comes of a clock that
-- was set back: it is cut to the end of the present one, and what is charged stays charged. One less far ahead stands: a clock
-- that stepped back over the edge of a period opens the old one no second time.
local value = call('GET', KEYS[1])
local ends, used, due, write = 0, 0, nil, false
if value then
  local parts = {string.match(value, '^(%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d+):?(%d*)$')}
  ends, used, due = tonumber(parts[1]), tonumber(parts[2]), tonumber(parts[3])
  if not (ends and ends >= 1000000000000000 and ends < 9007199254740992 and used < 9007199254740992) then
    return redis.error_reply('WRONGTYPE the key of a quota holds something else')
  end
end
local stored = ends
if ends <= now then
  ends, used, due = edge(period, zone), 0, nil
elseif ends - now > span then
  ends, write = edge(period, zone), true
  due = due and now
elseif due and due - now > 691200000000 then
  due = now
end
