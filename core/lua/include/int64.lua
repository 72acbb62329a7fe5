-- int64: Whole numbers of 64 bits as two parts, high * 10^9 + low with low from 0 on, for a number of Lua's holds 53 bits exactly.
local function split(text)
  local negative = string.sub(text, 1, 1) == '-'
  if negative then text = string.sub(text, 2) end
  local high, low = tonumber(string.sub(text, 1, -10)) or 0, tonumber(string.sub(text, -9))
  if not negative then return high, low end
  if low == 0 then return -high, 0 end
  return -high - 1, 1000000000 - low
end
local function join(high, low)
  local sign = ''
  if high < 0 then
    sign = '-'
    if low == 0 then high = -high else high, low = -high - 1, 1000000000 - low end
  end
  if high == 0 then return string.format('%s%.0f', sign, low) end
  return string.format('%s%.0f%09.0f', sign, high, low)
end
