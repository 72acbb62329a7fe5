-- quota_forget: What was settled more than 10 minutes ago as past, and forget(ids). Reads only; a hash that is none stops here.
local past = call('ZRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now))
call('HLEN', KEYS[2])
local function forget(ids)
  for _, id in ipairs(ids) do
    call('ZREM', KEYS[4], id)
    call('HDEL', KEYS[2], id)
  end
end
