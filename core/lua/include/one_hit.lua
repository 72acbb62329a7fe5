-- one_hit: The rest of a script for one limit, whose shape has looked: fits, charge, state and heal are there, and want.
if type(fits) == 'table' then return fits end
local charged = '0 '
if fits >= want then
  charged, state = '1 ', charge(want)
elseif state and (heal or call('PTTL', KEYS[1]) < 0) then
  state = charge(0, true)
end
return charged .. time[1] .. ' ' .. time[2] .. ' ' .. (state or 'none')
