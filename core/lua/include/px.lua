-- px: The text of how many ms a key lives whose state ends in `left` us. On a server of 32 bits %d holds no more than 31 of them, and
-- %.0f takes twice as long.
local px = string.format(left < 2000000000000 and '%d' or '%.0f', (left - left % 1000) / 1000 + 2)
