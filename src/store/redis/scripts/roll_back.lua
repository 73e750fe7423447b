
-- Takes back the use of a voucher by an event.
--
-- ARGV 4-: the places of the buckets of its code, of its binding (0 where it was never assigned) and of its customer; the start
--      of the code's hash, the field of the event's answer, the start of the fields among which the binding is or '', the
--      code, whose it is or '', the event.
-- Returns {'OK', a letter}: R taken back · A taken back before · N not used by this event. No letter, with nothing done, if the
--      binding is not as the caller saw it.

local asked = {
    code_place = tonumber(ARGV[4]), place = tonumber(ARGV[5]), customer_place = tonumber(ARGV[6]), hash = ARGV[7],
    answer = ARGV[8], start = ARGV[9], code = ARGV[10], customer = ARGV[11], event = ARGV[12],
}
if not are_where_seen({ asked }) then return { 'OK', '' } end

-- By its mark, a call that is repeated knows what it has done.
local taken_back = TAKEN_BACK .. ARGV[3]

-- Who has used the voucher, as far as the journal still knows.
local function user_of(entry)
    local time = string.match(entry, '^%d+')
    for _, named in ipairs(call('ZRANGEBYSCORE', NAMES, time, time)) do
        local id, customer = string.match(named, '^([^\n]*)\n([^\n]*)')
        if id == entry then return customer end
    end
    return ''
end

local function take_back()
    local known = call('HGET', KEYS[asked.code_place], asked.answer)
    if known == taken_back then return 'R' end
    local letter = known and string.sub(known, 1, 1)
    if letter == TAKEN_BACK then return 'A' end
    local one = letter == USED and bound_to(asked.code, asked.place, asked.start)
    if not one then return 'N' end
    local parts = one.parts
    if customer_of(one.record, parts) ~= asked.customer then return '' end
    add(tallies, 'redeemed', -1)
    tally('assigned', parts.ends, 1)
    if counts_for_limits(parts) then
        limit(parts.campaign, nil, -1)
        limit(parts.campaign, parts.ends, 1)
    end
    rewrite(one, with_use(one, nil), asked.customer_place)
    if has(parts, TEST) then call('SADD', TESTS, one.field) end
    call('HSET', KEYS[asked.code_place], asked.answer, taken_back)
    name(journal('rolled_back', asked.code), user_of(string.sub(known, 2)), '', asked.event)
    return 'R'
end

local letter = take_back()
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'answers', 0)
write()
return { 'OK', letter }
