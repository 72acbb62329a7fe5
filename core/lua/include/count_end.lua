-- count_end: Gives latest, the end of a count that began or was added to just now: 0 when it has none, span us from now, or an
-- edge of the calendar, whose days are span seconds ahead of UTC's. The first of a month is found as in Howard Hinnant's
-- "chrono-compatible low-level date algorithms", where years begin in March; 31 days after one lies the next month.
local latest = 0
if expiry == 1 or expiry == 2 then
  latest = now + span
elseif expiry > 0 then
  local day = math.floor((time[1] + span) / 86400)
  local function month_begin(day)
    local of_era = (day + 719468) % 146097
    local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
    local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local month = math.floor((5 * of_year + 2) / 153)
    return day - of_year + math.floor((153 * month + 2) / 5)
  end
  if expiry == 3 then
    day = day + 1
  elseif expiry == 4 then
    day = day - (day + 3) % 7 + 7
  else
    day = month_begin(month_begin(day) + 31)
  end
  latest = (day * 86400 - span) * 1000000
end
