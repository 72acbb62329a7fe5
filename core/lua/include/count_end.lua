-- count_end: Gives latest, the end of a count that began or was added to just now: 0 when it has none, span us from now, or the
-- edge of a day, week, month or year (expiry 3 to 6) in a zone that is span seconds ahead of UTC.
local latest = 0
if expiry == 1 or expiry == 2 then
  latest = now + span
elseif expiry > 0 then
--@include calendar
  latest = edge(string.format('%.0f', expiry - 3), span)
end
