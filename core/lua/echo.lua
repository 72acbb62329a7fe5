#!lua flags=no-writes
-- echo: Gives back the number that it was sent.
-- KEYS:
-- ARGV: number
-- REPLY: number
return {tonumber(ARGV[1])}
