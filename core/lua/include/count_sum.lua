-- count_sum: Adds ARGV 1 and 2 to high and low, unless that passes the edge in ARGV 3 and 4: the bound that lies in the direction
-- of the amount. Then it is refused, or with ARGV 5 cut to the edge; what lies beyond it already stays there.
local more_high, edge_high, edge_low = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function beyond(high, low)
  local over = high - edge_high
  if over == 0 then over = low - edge_low end
  if more_high < 0 then over = -over end
  return over > 0
end
local new_high, new_low, refused = high + more_high, low + ARGV[2], false
if new_low >= 1000000000 then new_high, new_low = new_high + 1, new_low - 1000000000 end
if beyond(new_high, new_low) then
  refused = ARGV[5] == '0'
  if refused or beyond(high, low) then
    new_high, new_low = high, low
  else
    new_high, new_low = edge_high, edge_low
  end
end
