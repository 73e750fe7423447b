
-- Marks a pool as one that is being removed: from then on there is no such pool for all other scripts.
--
-- ARGV 4: '1' if codes may be assigned.
-- Returns {'OK', 'closed' and the pool's number, or why not: 'reserved', 'assigned'}.

if call('HLEN', RESERVED) > 0 then return { 'OK', 'reserved' } end
local used = call('HMGET', POOL, 'entries', 'assigned', 'redeemed')
for n = 1, 3 do
    if ARGV[4] ~= '1' and tonumber(used[n] or 0) > 0 then return { 'OK', 'assigned' } end
end
call('HSET', POOL, 'deleting', 1)
return { 'OK', 'closed', header[1] }
