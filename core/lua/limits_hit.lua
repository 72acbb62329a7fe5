#!lua
-- limits_hit: Charges several limits in one step, or none of them.
-- KEYS: ...
-- ARGV: up_to, charge_denials, block_us, block_max_us, ...
-- REPLY: state
--
-- A key for each limit, and behind them, with a block_us that is not 0, the block's: the moment in us until which it denies
-- everything (16 digits) and how many blocks came one after another, each twice as long as the one before, block_max_us at most.
--
-- With an up_to that is not 0 as many multiples of it are charged as fit everywhere, if it is any. A shadow limit never denies: where
-- it would have, it is not charged, and its state is told with a mark before it.
--
-- The reply is one text, "charged seconds microseconds state state... block": 1 or 0, how much under up_to; a state that is not
-- there is none; the block is there when its key is.
--@include clock
--@include months
local begin, up_to = 5, ARGV[1] ~= '0' and tonumber(ARGV[1])
local at = begin
--@include limits
local charge_denials, block_us, block_max_us = ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local count, block_key = block_us > 0 and #KEYS - 1 or #KEYS, KEYS[#KEYS]
--@include limits_block
--@include limits_found
--@include limits_fit
--@include limits_charge
return reply
