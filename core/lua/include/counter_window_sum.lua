-- counter_window_sum: Adds amount to the running bucket, unless it or the sum would pass what a number holds exactly.
local old, bucket = string.format('%.0f', sum), amount
if #gone == 0 then bucket = amount + (tonumber(call('HGET', KEYS[1], pos)) or 0) end
if math.abs(sum + amount) >= 9007199254740992 or math.abs(bucket) >= 9007199254740992 then
  return '1 ' .. old .. ' ' .. old .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
end
local new = string.format('%.0f', sum + amount)
