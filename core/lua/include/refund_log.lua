-- refund_log: Terms: credit, moment, period_us. As many entries of that moment go, if they are still there.
local function refund_log(key)
  local credit, moment, period = word(0), words[at + 1], word(2)
  at = at + 3
  if call('LLEN', key) == 0 then return end
  return function()
    call('LREM', key, -credit, moment)
    if call('PTTL', key) == -1 then
      local newest = tonumber(call('LINDEX', key, -1)) or now
      call('PEXPIRE', key, math.max(0, math.floor((newest + period - now) / 1000)) + 2)
    end
  end
end
