-- gcra_whole: Takes value as a TAT in whole us. The remainder that an exact rate left rounds up.
local tat = 0
if (#value == 16 or #value == 19) and string.find(value, '^%d+$') then
  if #value == 16 then
    tat = value + 0
  else
    tat = string.sub(value, 1, 16) + (string.sub(value, 17) == '000' and 0 or 1)
  end
end
if tat < 1000000000000000 or tat >= 9007199254740992 then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
