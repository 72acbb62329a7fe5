#!lua flags=allow-oom
-- leases_refund: Gives permits back.
-- KEYS: leases
-- ARGV: ...
-- REPLY: limits
--@include clock
local at = 1
--@include words
--@include refund_leases
local write = refund_leases(KEYS[1])
if write then write() end
return 1
