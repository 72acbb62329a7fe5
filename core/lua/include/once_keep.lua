-- once_keep: Stores the reply under the id. Both hashes live for as long as an id that was written a moment ago must.
local lasts = math.floor(remember / 1000) + 2
if turn then
  call('UNLINK', KEYS[3])
  call('RENAME', KEYS[2], KEYS[3])
  call('PEXPIRE', KEYS[3], lasts)
end
if turn or begun == 0 or begun > now then call('HSET', KEYS[2], '', string.format('%.0f', now)) end
local reply = old .. ' ' .. new .. ' ' .. string.format('%.0f', ends)
call('HSET', KEYS[2], id, reply)
call('PEXPIRE', KEYS[2], lasts)
