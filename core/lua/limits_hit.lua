#!lua
-- limits_hit: Charges several limits in one step, or none of them.
-- KEYS: ...
-- ARGV: up_to, charge_denials, block_us, block_max_us, ...
-- REPLY: state
--
-- A key for each limit, and behind them, with a block_us that is not 0, the block's: the moment in us until which it denies
-- everything (16 digits) and how many blocks came one after another, each twice as long as the one before, block_max_us at most.
--
-- With up_to 1 as much is charged as fits everywhere, if it is anything. A shadow limit never denies: where it would have, it
-- is not charged, and its state is told with a mark before it.
--
-- The reply is one text, "charged seconds microseconds state state... block": 1 or 0, how many under up_to; a state that is not
-- there is none; the block is there when its key is.
--@include clock
--@include months
local at, up_to = 5, ARGV[1] == '1'
--@include limits
local block_us = tonumber(ARGV[3])
local count = block_us > 0 and #KEYS - 1 or #KEYS
local until_us, level, block = 0, 0, nil
if block_us > 0 then
  block = call('GET', KEYS[#KEYS])
  if block then
--@include block_state
  end
end
local fits, charges, states, heals, wants, shadows = {}, {}, {}, {}, {}, {}
local granted, admitted = nil, until_us <= now
for i = 1, count do
  fits[i], charges[i], states[i], heals[i], wants[i], shadows[i] = look(KEYS[i])
  if type(fits[i]) == 'table' then return fits[i] end
  if not shadows[i] then
    if fits[i] < wants[i] and not up_to then admitted = false end
    if not granted or fits[i] < granted then granted = fits[i] end
  end
end
if not granted then granted = wants[1] end
if up_to and granted == 0 then admitted = false end
for i = 1, count do
  local wanted = up_to and math.min(granted, wants[i]) or wants[i]
  if admitted and fits[i] >= wanted then
    states[i] = charges[i](wanted)
  else
    if not admitted and ARGV[2] == '1' and until_us <= now then
      states[i] = charges[i](wants[i], true)
    elseif heals[i] or call('PTTL', KEYS[i]) == -1 then
      states[i] = charges[i](0, true)
    end
    states[i] = (admitted and '!' or '') .. (states[i] or 'none')
  end
end
local longest = tonumber(ARGV[4])
if block and admitted then
  -- A block that is over is remembered for as long as it makes the next one longer.
  if call('PTTL', KEYS[#KEYS]) < 0 then call('PEXPIRE', KEYS[#KEYS], math.max(0, math.floor((until_us - now + longest) / 1000)) + 2) end
elseif block_us > 0 and not admitted then
  if until_us <= now then
    if now - until_us > longest then level = 0 end
    until_us, level = now + math.min(longest, block_us * 2 ^ math.min(level, 50)), level + 1
    block = nil
  elseif until_us - now > longest then
    -- The clock stepped back.
    until_us, block = now + longest, nil
  end
  if not block or call('PTTL', KEYS[#KEYS]) < 0 then
    block = string.format('%.0f%.0f', until_us, level)
    call('SET', KEYS[#KEYS], block, 'PX', math.floor((until_us - now + longest) / 1000) + 2)
  end
end
local charged = admitted and (up_to and string.format('%.0f', granted) or '1') or '0'
local reply = charged .. ' ' .. time[1] .. ' ' .. time[2]
for i = 1, count do
  reply = reply .. ' ' .. states[i]
end
return block and reply .. ' ' .. block or reply
