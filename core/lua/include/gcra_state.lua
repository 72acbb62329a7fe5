-- gcra_state: Takes value apart into tat and rest. The remainder is cut out as text: 19 digits are more than a number of Lua's
-- holds exactly.
local tat, rest = tonumber(string.sub(value, 1, 16)), 0
if #value == 19 then
  rest = tonumber(string.sub(value, 17))
elseif #value ~= 16 then
  rest = nil
end
if string.find(value, '%D') or not (tat and rest and tat >= 1000000000000000 and tat < 9007199254740992 and rest >= 0) then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
