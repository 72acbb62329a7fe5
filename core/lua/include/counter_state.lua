-- counter_state: Takes value apart into begun, counted and before.
local begun, counted, before = string.match(value, '^(%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d+)/(%d+)$')
local ours = begun ~= nil
if ours then
  begun, counted, before = begun + 0, counted + 0, before + 0
  ours = begun >= 1000000000000000 and begun < 9007199254740992 and counted < 9007199254740992 and before < 9007199254740992
end
if not ours then
  return redis.error_reply('WRONGTYPE the key of a limiter holds something else')
end
