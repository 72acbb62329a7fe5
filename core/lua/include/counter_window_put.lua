-- counter_window_put: Writes the turned ring with the new bucket.
if #gone > 0 then call('HDEL', KEYS[1], unpack(gone)) end
call('HSET', KEYS[1], 'at', string.format('%.0f', at), 'pos', pos, 'sum', new, pos, string.format('%.0f', bucket))
ends = (at + buckets) * width
call('PEXPIRE', KEYS[1], math.floor((ends - now) / 1000) + 2)
