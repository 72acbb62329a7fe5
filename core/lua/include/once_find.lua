-- once_find: Answers with the stored reply when the operation id is known. Ids are fields of two hashes, of which the first is
-- written to; what is stored is "old new ends".
local stored = call('HGET', KEYS[2], id) or call('HGET', KEYS[3], id)
if stored then return '2 ' .. stored .. ' ' .. time[1] .. ' ' .. time[2] end
