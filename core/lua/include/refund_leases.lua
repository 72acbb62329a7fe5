-- refund_leases: Terms: credit, held, id. The last `credit` of the `held` permits that the hit with that id took are given back.
local function refund_leases(key)
  local credit, held, id = word(0), word(1), words[at + 2]
  at = at + 3
  if call('ZCARD', key) == 0 then return end
  return function()
    while held > 0 and credit > 0 do
      credit = credit - call('ZREM', key, string.format('%s:%.0f', id, held))
      held = held - 1
    end
    if call('PTTL', key) == -1 then
      local latest = tonumber(call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
      call('PEXPIRE', key, math.max(0, math.floor((latest - now) / 1000)) + 2)
    end
  end
end
