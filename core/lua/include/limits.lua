-- limits: Reads one limit after another, each by the words of its own: shape, shadow, cost, and the shape's terms. The script sets `at` and
-- `up_to`: false, or the number whose multiples may be charged.
--
-- A shape looks at its key and writes nothing. It answers how many of `want` fit (under a hit: all or 0), a function that charges
-- so many (0 only writes what must be mended), the state as it is, and whether that must be mended. States hold no space.
--@include words
--@include shape_tat
--@include shape_window
--@include shape_counter
--@include shape_log
--@include shape_leases
local function look(key)
  local shape, shadow, want = words[at], words[at + 1] == '1', word(2)
  at = at + 3
  local fits, charge, state, heal
  if shape == 'tat' then
    fits, charge, state, heal = tat_look(key, want)
  elseif shape == 'window' then
    fits, charge, state, heal = window_look(key, want)
  elseif shape == 'counter' then
    fits, charge, state, heal = counter_look(key, want)
  elseif shape == 'log' then
    fits, charge, state, heal = log_look(key, want)
  else
    fits, charge, state, heal = leases_look(key, want)
  end
  return fits, charge, state, heal, want, shadow
end
