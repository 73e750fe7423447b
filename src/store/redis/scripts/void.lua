
-- Ends vouchers by hand.
--
-- ARGV 4-: for each voucher the places of the buckets of its code, of its binding (0 where it was never assigned) and of its
--      customer; the start of the code's hash, the start of the fields among which the binding is or '', the code, whose it is or ''.
-- Returns {'OK', a letter for each}: V ended now · A ended before · R redeemed · N nobody has it, it lies in the stock. No letter at
--      all, with nothing done, if a binding is not as the caller saw it.

local asked = {}
for at = FIRST_ARGUMENT, #ARGV, 7 do
    asked[#asked + 1] = {
        code_place = tonumber(ARGV[at]), place = tonumber(ARGV[at + 1]), customer_place = tonumber(ARGV[at + 2]),
        hash = ARGV[at + 3], start = ARGV[at + 4], code = ARGV[at + 5], customer = ARGV[at + 6],
    }
end
if not are_where_seen(asked) then return { 'OK', '' } end
for _, one in ipairs(asked) do
    one.bound = bound_to(one.code, one.place, one.start)
    if one.bound and customer_of(one.bound.record, one.bound.parts) ~= one.customer then return { 'OK', '' } end
end

local voided, unbound, dropped = {}, {}, {}

local function void(one)
    local bound = one.bound
    local parts = bound.parts
    if has(parts, REDEEMED) then return 'R' end
    if has(parts, VOID) then return 'A' end
    tally('assigned', parts.ends, -1)
    add(tallies, 'void', 1)
    if counts_for_limits(parts) then limit(parts.campaign, parts.ends, -1) end
    rewrite(bound, string.char(parts.flags + VOID) .. string.sub(bound.record, 2), one.customer_place)
    if has(parts, TEST) then call('SREM', TESTS, bound.field) end
    voided[#voided + 1] = one.code
    return 'V'
end

-- What is only reserved is taken from its message, which will be refused, and is nobody's from then on.
local function void_unbound(one)
    if unbound[one.code] or one.start == UNBOUND_VOID then return 'A' end
    local field, reservation = reservation_of(one.code)
    if not field then return 'N' end
    local parts = read(string.sub(reservation, 15))
    if counts_for_limits(parts) then limit(parts.campaign, parts.ends, -1) end
    tally('reserved', parts.ends, -1)
    add(tallies, 'holding', -1)
    add(tallies, 'void', 1)
    call('HSET', KEYS[one.code_place], one.hash, UNBOUND_VOID)
    unbound[one.code], dropped[#dropped + 1], voided[#voided + 1] = true, field, one.code
    return 'V'
end

local letters = {}
for n, one in ipairs(asked) do letters[n] = one.bound and void(one) or void_unbound(one) end
each('HDEL', RESERVED, dropped)
if #voided > 0 then journal('voided', table.concat(voided, '\n')) end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'answers', 0)
write()
return { 'OK', table.concat(letters) }
