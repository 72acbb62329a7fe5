-- count_put: Writes the count new; a count that had no end begins one, and a sliding one begins anew unless it was refused.
if ends == 0 or (expiry == 2 and not refused) then ends = latest end
if expiry == 0 then
  call('SET', KEYS[1], new)
else
  call('SET', KEYS[1], string.format('%.0f', ends) .. new, 'PX', math.floor((ends - now) / 1000) + 2)
end
