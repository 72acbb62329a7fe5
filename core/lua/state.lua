#!lua flags=no-writes
-- state: Reads the text of a key together with the server's clock.
-- KEYS: state
-- ARGV:
-- REPLY: state
--
-- The reply has the form of gcra_hit's, nothing charged; the text is "none" when there is no key.
--@include clock
return '0 ' .. time[1] .. ' ' .. time[2] .. ' ' .. (call('GET', KEYS[1]) or 'none')
