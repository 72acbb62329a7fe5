-- count_sum: Adds ARGV 1 to old, which gives new, unless that passes the edge in ARGV 2: the bound that lies in the direction of the
-- amount. Then it is refused, or with ARGV 3 cut to the edge; what lies beyond it already stays there. A number of Lua's holds 53
-- bits exactly: larger ones are added in two parts, high * 10^9 + low with low from 0 on.
local down, refused, new = string.byte(ARGV[1]) == 45, false, nil
if #ARGV[1] < 16 and #old < 16 then
  local was, edge = tonumber(old), tonumber(ARGV[2])
  local sum = was + ARGV[1]
  if down and sum < edge or not down and sum > edge then
    refused = ARGV[3] == '0'
    if refused or down and was < edge or not down and was > edge then sum = was else sum = edge end
  end
  new = string.format('%.0f', sum)
else
  local function split(text)
    local negative = string.byte(text) == 45
    if negative then text = string.sub(text, 2) end
    local high, low = tonumber(string.sub(text, 1, -10)) or 0, tonumber(string.sub(text, -9))
    if not negative then return high, low end
    if low == 0 then return -high, 0 end
    return -high - 1, 1000000000 - low
  end
  local high, low = split(old)
  local more_high, more_low = split(ARGV[1])
  local edge_high, edge_low = split(ARGV[2])
  local function beyond(high, low)
    local over = high - edge_high
    if over == 0 then over = low - edge_low end
    if down then over = -over end
    return over > 0
  end
  local sum_high, sum_low = high + more_high, low + more_low
  if sum_low >= 1000000000 then sum_high, sum_low = sum_high + 1, sum_low - 1000000000 end
  if beyond(sum_high, sum_low) then
    refused = ARGV[3] == '0'
    new = (refused or beyond(high, low)) and old or ARGV[2]
  else
    local sign = ''
    if sum_high < 0 then
      sign = '-'
      if sum_low == 0 then sum_high = -sum_high else sum_high, sum_low = -sum_high - 1, 1000000000 - sum_low end
    end
    if sum_high == 0 then
      new = string.format('%s%.0f', sign, sum_low)
    else
      new = string.format('%s%.0f%09.0f', sign, sum_high, sum_low)
    end
  end
end
