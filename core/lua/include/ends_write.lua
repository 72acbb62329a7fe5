-- ends_write: Gives the state in the key live its end, by ttl and sliding: left is how long until then, us, -1 for ever.
-- The key end_key outlives the state, so that none is found without its end.
local left = -1
if ttl > 0 and (not ends or sliding == '1' or ends - now > ttl) then
  ends = now + ttl
  call('DEL', end_key)
end
if ends then
  left = ends - now
  local life = math.floor(left / 1000) + 2
  if call('PTTL', end_key) < 0 then call('SET', end_key, string.format('%.0f', ends), 'PX', life + 2) end
  local present = call('PTTL', live)
  if present < 0 or present > life or present < life - 2 then call('PEXPIRE', live, life) end
end
