-- digits: The 16 digits of `moment`: its seconds, and what is beyond them. As for px.
local digits = string.format(moment < 2000000000000000 and '%d%06d' or '%.0f%06d', (moment - moment % 1000000) / 1000000, moment % 1000000)
