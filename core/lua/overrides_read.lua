#!lua flags=no-writes
-- overrides_read: Reads overrides in the order of their changes.
-- KEYS: overrides, changed
-- ARGV: since, most, follow
-- REPLY: reached, whole, more, now, entries
--
-- The keys are those of override_set. What changed after `since`, `most` keys at most; one that follows is told of those that were
-- cleared too, and, where not all changes after `since` are known, everything from the beginning: whole is 1 then. reached is
-- since when to ask again, more 1 when that is to be at once.
--
-- entries is flat: a key, the number of its change, and what override_set keeps of it, empty where it was cleared.
--@include clock
local since, most, follow = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local state = call('HMGET', KEYS[1], 'version', 'floor')
if not state[1] and call('EXISTS', KEYS[1]) == 0 then return { 0, since ~= 0 and 1 or 0, 0, now, {} } end
local version, floor = tonumber(state[1] or ''), tonumber(state[2] or '')
if not version or not floor then
  return redis.error_reply('WRONGTYPE the key of the overrides holds something else')
end
if version == since then return { version, 0, 0, now, {} } end
local whole = follow and (since < floor or since > version)
if whole then since = 0 end
local entries, full = {}, true
while full and #entries == 0 do
  local page = call('ZRANGE', KEYS[2], string.format('(%.0f', since), '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  local fields = {}
  for i = 1, #page, 2 do fields[#fields + 1] = '=' .. page[i] end
  local values = #fields > 0 and call('HMGET', KEYS[1], unpack(fields)) or {}
  for i = 1, #fields do
    since = tonumber(page[2 * i])
    if follow or values[i] then
      entries[#entries + 1] = page[2 * i - 1]
      entries[#entries + 1] = page[2 * i]
      entries[#entries + 1] = values[i] or ''
    end
  end
  full = #fields == most
end
return { full and since or version, whole and 1 or 0, full and 1 or 0, now, entries }
