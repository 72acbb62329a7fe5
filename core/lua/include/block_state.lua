-- block_state: Takes block apart into until_us and level.
until_us, level = tonumber(string.sub(block, 1, 16)), tonumber(string.sub(block, 17))
if string.find(block, '%D') or #block > 24 or not (until_us and level and until_us >= 1000000000000000) then return foreign end
