-- refund_log: Terms: credit, moment. As many entries of that moment go, if they are still there.
local function refund_log(key)
  local credit, moment = word(0), ARGV[at + 1]
  at = at + 2
  if call('LLEN', key) == 0 then return end
  return function()
    call('LREM', key, -credit, moment)
  end
end
