-- clock: The server's time, read once: now in us, and time as the server gives it, seconds and microseconds as text.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
