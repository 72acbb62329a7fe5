-- count_state: Takes the text of a count apart: old as text, high and low, ends. A count that has ended is none; an end further
-- ahead than latest is not honest (the clock stepped back, a time was shortened) and is cut to that: heal.
local value = call('GET', KEYS[1])
local old, high, low, ends, heal = '0', 0, 0, 0, false
if value then
  local digits = value
  if expiry > 0 then
    ends, digits = tonumber(string.sub(value, 1, 16)), string.sub(value, 17)
    if string.find(string.sub(value, 1, 16), '%D') or not ends or ends < 1000000000000000 or ends >= 9007199254740992 then
      digits = ''
    end
  end
  if #digits < 21 and string.find(digits, '^%-?%d+$') then
    high, low = split(digits)
  else
    high = 9223372037
  end
  if high > 9223372036 or high == 9223372036 and low > 854775807 or high < -9223372037 or high == -9223372037 and low < 145224192 then
    return redis.error_reply('WRONGTYPE the key of a counter holds something else')
  end
  if expiry > 0 and ends <= now then
    high, low, ends = 0, 0, 0
  else
    old = digits
    if ends > latest then ends, heal = latest, true end
  end
end
