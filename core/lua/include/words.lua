-- words: The words of ARGV from `at` on, which the script sets; word(0) is the next.
local function word(further)
  return tonumber(ARGV[at + further])
end
local foreign = redis.error_reply('WRONGTYPE the key of a limiter holds something else')
