
-- Forgets whom the journal names, where it is a customer. An event stays, unless it tells who it was.
--
-- ARGV 4: where to go on, '0' at first. 5: the customer.
-- Returns {'OK', where to go on, '0' at the end}.

local found = call('ZSCAN', NAMES, ARGV[FIRST_ARGUMENT], 'COUNT', 500)
local customer = ARGV[FIRST_ARGUMENT + 1]
for n = 1, #found[2], 2 do
    local member, time = found[2][n], found[2][n + 1]
    local id, whose, event = string.match(member, '^([^\n]*)\n([^\n]*)\n[^\n]*\n([^\n]*)$')
    if whose == customer then
        call('ZREM', NAMES, member)
        if event ~= '' and not string.find(event, customer, 1, true) then
            call('ZADD', NAMES, time, id .. '\n\n\n' .. event)
        end
    end
end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'answers', 0)
return { 'OK', found[1] }
