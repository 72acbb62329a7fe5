-- gcra_state: Takes value apart into tat and rest. The remainder is cut out as text: 19 digits are more than a number of Lua's
-- holds exactly.
local tat, rest = 0, 0
if (#value == 19 or #value == 16) and string.find(value, '^%d+$') then
  tat = string.sub(value, 1, 16) + 0
  if #value == 19 then rest = string.sub(value, 17) + 0 end
end
if tat < 1000000000000000 or tat >= 9007199254740992 then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
