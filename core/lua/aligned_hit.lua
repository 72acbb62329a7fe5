#!lua
-- aligned_hit: Charges a hit to a fixed window whose edges are the clock's or the calendar's, or denies it.
-- KEYS: window
-- ARGV: cost, ...
-- REPLY: state
--
-- As limits_hit does of one such limit, with nothing else to ask about. The reply has the form of gcra_hit's.
--@include clock
--@include months
local at, up_to, want = 2, false, tonumber(ARGV[1])
--@include words
--@include shape_window
local fits, charge, state, heal = window_look(KEYS[1], want)
--@include one_hit
