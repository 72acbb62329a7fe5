-- stamp: now as text, 16 digits, from what the clock has told as text already.
local stamp = time[1] .. string.sub('00000' .. time[2], -6)
