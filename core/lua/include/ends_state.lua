-- ends_state: Reads the key end_key, when an object's state ends (16 digits, us), as ends: nil where it does not. over: it has
-- ended.
local ends, over = call('GET', end_key), false
if ends then
  local at = #ends == 16 and not string.find(ends, '%D') and tonumber(ends)
  if not (at and at >= 1000000000000000 and at < 9007199254740992) then
    return redis.error_reply('WRONGTYPE the key of an end holds something else')
  end
  ends, over = at, at <= now
else
  ends = nil
end
