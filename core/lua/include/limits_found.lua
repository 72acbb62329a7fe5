-- limits_found: What limits_fit finds, of each limit and of all.
local fits, charges, states, heals, wants, shadows = {}, {}, {}, {}, {}, {}
local granted, admitted
