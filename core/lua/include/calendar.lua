-- calendar: edge(period, zone): the end, Unix us, of the day (0), week (1), month (2) or year (3) that now lies in, where zone
-- is the seconds that midnight comes before that of UTC. Whole seconds and days throughout: no sum comes near 2^53.
local function edge(period, zone)
  local day = math.floor((time[1] + zone) / 86400)
  if period == '0' then
    day = day + 1
  elseif period == '1' then
    -- 1 January 1970 was a Thursday.
    day = day + 7 - (day + 3) % 7
  else
    -- Years that begin in March have their leap day at their end. first: the days from March of the year 0 to that of a year.
    local function first(year)
      return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    end
    day = day + 719468
    local year = math.floor(day * 400 / 146097)
    if first(year) > day then year = year - 1 end
    if first(year + 1) <= day then year = year + 1 end
    -- From March on the lengths 31 30 31 30 31 repeat: month m begins (153 m + 2) / 5 days after the first.
    local month = math.floor((5 * (day - first(year)) + 2) / 153)
    if period == '2' then
      month = month + 1
    else
      if month >= 10 then year = year + 1 end
      month = 10
    end
    if month == 12 then year, month = year + 1, 0 end
    day = first(year) + math.floor((153 * month + 2) / 5) - 719468
  end
  return (day * 86400 - zone) * 1000000
end
