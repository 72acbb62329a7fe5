-- words: The words from `at` on, which the script sets; word(0) is the next. They are those of ARGV, or what the script sets instead.
local words = ARGV
local function word(further)
  return tonumber(words[at + further])
end
local foreign = redis.error_reply('WRONGTYPE the key of a limiter holds something else')
