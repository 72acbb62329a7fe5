-- limits_block: Reads the block at block_key, when block_us is not 0: until_us, level and the text of it.
local until_us, level, block = 0, 0, nil
if block_us > 0 then
  block = call('GET', block_key)
  if block then
--@include block_state
  end
end
