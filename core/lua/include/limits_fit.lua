-- limits_fit: Looks at `count` limits by the words from `begin` on: how much is granted everywhere, and whether it is admitted.
at, words = begin, ARGV
granted, admitted = nil, until_us <= now
for i = 1, count do
  fits[i], charges[i], states[i], heals[i], wants[i], shadows[i] = look(KEYS[i])
  if type(fits[i]) == 'table' then return fits[i] end
  if not shadows[i] then
    if fits[i] < wants[i] and not up_to then admitted = false end
    if not granted or fits[i] < granted then granted = fits[i] end
  end
end
if not granted then granted = wants[1] end
if up_to then
  granted = granted - granted % up_to
  if granted == 0 then admitted = false end
end
