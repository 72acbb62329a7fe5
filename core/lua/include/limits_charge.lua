-- limits_charge: Charges what limits_fit has admitted, or mends and blocks; makes the reply.
for i = 1, count do
  local wanted = up_to and math.min(granted, wants[i]) or wants[i]
  if admitted and fits[i] >= wanted then
    states[i] = charges[i](wanted, up_to)
  else
    if not admitted and charge_denials and until_us <= now then
      states[i] = charges[i](wants[i], true)
    elseif heals[i] or call('PTTL', KEYS[i]) == -1 then
      states[i] = charges[i](0, true)
    end
    states[i] = (admitted and '!' or '') .. (states[i] or 'none')
  end
end
if block and admitted then
  -- A block that is over is remembered for as long as it makes the next one longer.
  if call('PTTL', block_key) < 0 then
    call('PEXPIRE', block_key, math.max(0, math.floor((until_us - now + block_max_us) / 1000)) + 2)
  end
elseif block_us > 0 and not admitted then
  if until_us <= now then
    if now - until_us > block_max_us then level = 0 end
    until_us, level = now + math.min(block_max_us, block_us * 2 ^ math.min(level, 50)), level + 1
    block = nil
  elseif until_us - now > block_max_us then
    -- The clock stepped back.
    until_us, block = now + block_max_us, nil
  end
  if not block or call('PTTL', block_key) < 0 then
    block = string.format('%.0f%.0f', until_us, level)
    call('SET', block_key, block, 'PX', math.floor((until_us - now + block_max_us) / 1000) + 2)
  end
end
local charged = admitted and (up_to and string.format('%.0f', granted) or '1') or '0'
local reply = charged .. ' ' .. time[1] .. ' ' .. time[2]
for i = 1, count do
  reply = reply .. ' ' .. states[i]
end
if block then reply = reply .. ' ' .. block end
