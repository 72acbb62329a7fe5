-- months: When the period of so many months that holds a moment ends. Days are counted as in Howard Hinnant's "chrono-compatible
-- low-level date algorithms": years begin in March, so that the leap day is a year's last.
local function month_end(moment, months)
  local day = math.floor(moment / 86400000000) + 719468
  local era = math.floor(day / 146097)
  local of_era = day - era * 146097
  local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  -- Months since the year 0, January being 0; then the edge that comes next.
  local index = (year + era * 400) * 12 + month + 2
  index = (math.floor(index / months) + 1) * months - 2
  year, month = math.floor(index / 12), index % 12
  era = math.floor(year / 400)
  local of = year - era * 400
  day = era * 146097 + of * 365 + math.floor(of / 4) - math.floor(of / 100) + math.floor((153 * month + 2) / 5)
  return (day - 719468) * 86400000000
end
