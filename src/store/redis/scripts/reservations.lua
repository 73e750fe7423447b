
-- Lists everything that is reserved.
--
-- Returns {'OK', for each reservation its field and its record}.

local list = { 'OK' }
local reservations = call('HGETALL', RESERVED)
for n = 1, #reservations, 2 do
    if is_reservation(reservations[n]) then
        list[#list + 1] = reservations[n] .. string.sub(reservations[n + 1], 15)
    end
end
return list
