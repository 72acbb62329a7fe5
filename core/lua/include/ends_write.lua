-- ends_write: Gives the state in the key live its end, by ttl and ARGV[4], sliding: left is how long until then, us, -1 for ever.
-- KEYS[3] outlives the state, so that none is found without its end.
local left = -1
if ttl > 0 and (not ends or ARGV[4] == '1' or ends - now > ttl) then
  ends = now + ttl
  call('DEL', KEYS[3])
end
if ends then
  left = ends - now
  local life = math.floor(left / 1000) + 2
  if call('PTTL', KEYS[3]) < 0 then call('SET', KEYS[3], string.format('%.0f', ends), 'PX', life + 2) end
  local present = call('PTTL', live)
  if present < 0 or present > life or present < life - 2 then call('PEXPIRE', live, life) end
end
