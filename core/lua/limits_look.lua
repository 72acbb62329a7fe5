#!lua flags=no-writes
-- limits_look: Tells what limits_hit would, and writes nothing.
-- KEYS: ...
-- ARGV: blocks, ...
-- REPLY: state
--@include clock
--@include months
local at, up_to = 2, false
--@include limits
local count = ARGV[1] == '0' and #KEYS or #KEYS - 1
local reply = '0 ' .. time[1] .. ' ' .. time[2]
for i = 1, count do
  local fits, _, state = look(KEYS[i])
  if type(fits) == 'table' then return fits end
  reply = reply .. ' ' .. (state or 'none')
end
local block = count < #KEYS and call('GET', KEYS[#KEYS])
local until_us, level
if block then
--@include block_state
end
return block and reply .. ' ' .. block or reply
