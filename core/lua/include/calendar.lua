-- calendar: edge(period, zone): the end, Unix us, of the day (0), week (1), month (2) or year (3) that now lies in, where zone
-- is the seconds that midnight comes before that of UTC.
--@include months
local function edge(period, zone)
  local shift = zone * 1000000
  if period == '0' then return now + 86400000000 - (now + shift) % 86400000000 end
  -- 1 January 1970 was a Thursday.
  if period == '1' then return now + 604800000000 - (now + shift + 259200000000) % 604800000000 end
  return month_end(now + shift, period == '2' and 1 or 12) - shift
end
