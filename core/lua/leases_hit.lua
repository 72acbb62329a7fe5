#!lua
-- leases_hit: Takes permits of a concurrent limit, or denies them.
-- KEYS: leases
-- ARGV: cost, ...
-- REPLY: state
--
-- As limits_hit does of one such limit, with nothing else to ask about. The reply has the form of gcra_hit's.
--@include clock
local at, up_to, want = 2, false, tonumber(ARGV[1])
--@include words
--@include shape_leases
local fits, charge, state, heal = leases_look(KEYS[1], want)
--@include one_hit
