-- count_state: Reads a count: old as text, ends. One that has ended is 0; an end further ahead than latest is not honest (the
-- clock stepped back, a time was shortened) and is cut to that: heal. The numbers are those of 64 bits, compared as text.
local value = call('GET', KEYS[1])
local old, ends, heal = '0', 0, false
if value then
  local head, digits = '', value
  if expiry > 0 then
    head, digits = string.match(value, '^(%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d)(%-?%d+)$')
    ends = tonumber(head or 0)
  end
  local ours = digits and string.find(digits, '^%-?%d+$') and (expiry == 0 or ends >= 1000000000000000 and ends < 9007199254740992)
  if ours and #digits > 18 then
    local number, most = digits, '9223372036854775807'
    if string.byte(number) == 45 then number, most = string.sub(number, 2), '9223372036854775808' end
    ours = #number < 19 or #number == 19 and number <= most
  end
  if not ours then return redis.error_reply('WRONGTYPE the key of a counter holds something else') end
  if expiry > 0 and ends <= now then
    ends = 0
  else
    old = digits
    if ends > latest then ends, heal = latest, true end
  end
end
