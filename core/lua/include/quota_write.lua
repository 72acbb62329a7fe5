-- quota_write: Writes the state back: ends, used, due.
value = string.format('%.0f%.0f', ends, used)
if due then value = value .. string.format(':%.0f', due) end
call('SET', KEYS[1], value, 'PX', math.floor((ends - now) / 1000) + 2)
