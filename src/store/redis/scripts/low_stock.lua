
-- Tells whether the stock has fallen to a threshold since it was told last.
--
-- ARGV 4: a mark of this call: asked again, it gets the same answer.
-- Returns {'OK', the threshold or '', how many vouchers are left}.

rearm()
local threshold, left, told, mark = stock()
local is_new = threshold and (not told or threshold < told)
if is_new then call('HSET', POOL, 'low_told', threshold .. ' ' .. ARGV[4]) end
local is_told = is_new or (threshold and threshold == told and mark == ARGV[4])
return { 'OK', is_told and threshold or '', left }
