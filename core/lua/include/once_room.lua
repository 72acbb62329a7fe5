-- once_room: Whether another id can be remembered. The first hash has its beginning as the field without a name; when that is
-- remember us ago it takes the place of the second, whose ids are all older than that, and a new one begins: turn. A beginning in
-- the future (the clock stepped back) begins now.
local begun = tonumber(call('HGET', KEYS[2], '') or '0') or 0
local turn = begun > 0 and now - begun >= remember
if not turn and call('HLEN', KEYS[2]) > most then
  return '3 ' .. old .. ' ' .. old .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
end
