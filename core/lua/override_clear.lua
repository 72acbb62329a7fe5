#!lua flags=allow-oom
-- override_clear: Takes the override of a key away.
-- KEYS: overrides, changed, cleared, ends
-- ARGV: key
-- REPLY: version, now
--
-- The keys are those of override_set. version is that of the change, or of the last one where there was nothing to take away.
--@include clock
--@include overrides_state
if kept > 0 then
  sweep()
  clear(ARGV[1])
  keep()
end
return { version, now }
