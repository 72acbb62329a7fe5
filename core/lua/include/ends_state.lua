-- ends_state: Reads KEYS[3], when the object's state ends (16 digits, us), as ends: nil where it does not. over: it has ended.
local ends, over = call('GET', KEYS[3]), false
if ends then
  local at = #ends == 16 and not string.find(ends, '%D') and tonumber(ends)
  if not (at and at >= 1000000000000000 and at < 9007199254740992) then
    return redis.error_reply('WRONGTYPE the key of an end holds something else')
  end
  ends, over = at, at <= now
else
  ends = nil
end
