#!lua
-- counter_add: Adds to a count that has bounds or an end, or refuses what would pass a bound.
-- KEYS: count
-- ARGV: amount, edge, saturate, expiry, span
-- REPLY: count
--
-- The count is a whole number of 64 bits; one that ends has its end before it, 16 digits, us. expiry: 0 never, 1 span us after
-- it began, 2 after the last add, 3 to 6 at the edge of a day, a week, a month,
-- a year.
--
-- The reply is one text, "outcome old new ends seconds microseconds": outcome is 0 when it was added, 1 when it was refused; ends
-- is 0 when the count does not end; then the clock.
--@include clock
local expiry, span = tonumber(ARGV[4]), tonumber(ARGV[5])
--@include count_end
--@include count_state
--@include count_sum
if refused and (not value or old == '0' and ends == 0 or not heal and (expiry == 0 or call('PTTL', KEYS[1]) >= 0)) then
  -- A refusal writes only to heal: an end that must be cut, a key that somebody made permanent.
  return '1 ' .. old .. ' ' .. old .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
end
--@include count_put
local outcome = refused and '1 ' or '0 '
return outcome .. old .. ' ' .. new .. ' ' .. string.format('%.0f', ends) .. ' ' .. time[1] .. ' ' .. time[2]
