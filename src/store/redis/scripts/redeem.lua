
-- Uses vouchers, in order.
--
-- ARGV 4: all wishes as one string, each as `WISH` says: the places of the buckets of its code, of its binding (0 where the code
--      was never assigned) and of its holder, the start of the code's hash, the field of the answer, when the code ends by
--      itself and when it was used (0 for never and for now), 1 if the rules let it pass, 2 if it is marked, the start of the
--      fields among which the binding is or '', the code, the event, who uses it or '', and who held it when the rules were
--      judged or ''.
-- Returns {'OK', a letter for each wish}: R redeemed · A already redeemed · E expired · V void · N not assigned · F forbidden by
--      the rules · M somebody else's by now. No letter at all, with nothing done, if a binding is not where the caller saw it.

local WISH = '>I3I3I3c8c16I6I6BBc0I2c0I2c0I2c0I2c0'
local wishes, packed, at = {}, ARGV[FIRST_ARGUMENT], 1
while at <= #packed do
    local wish = {}
    wish.code_place, wish.place, wish.holder_place, wish.hash, wish.answer, wish.own_end, wish.at, wish.rules, wish.start,
        wish.code, wish.event, wish.user, wish.holder, at = struct.unpack(WISH, packed, at)
    wishes[#wishes + 1] = wish
end
if not are_where_seen(wishes) then return { 'OK', '' } end

local pool_end = tonumber(call('HGET', POOL, 'expires_at') or nil)

-- A use counts by its own time.
local function is_past(ends, wish) return ends and ends <= (wish.at > 0 and wish.at or now) end

-- The answer to a wish for a voucher that nobody was given.
local function answer_without_holder(wish)
    if wish.start == UNBOUND_VOID then return 'V' end
    local _, reservation = reservation_of(wish.code)
    local ends = reservation and read(string.sub(reservation, 15)).ends or nil
    for _, some_end in ipairs({ wish.own_end > 0 and wish.own_end or math.huge, pool_end or math.huge, ends }) do
        if is_past(some_end, wish) then return 'E' end
    end
    return 'N'
end

local function judge(wish, one)
    if not one then return answer_without_holder(wish) end
    if has(one.parts, REDEEMED) then return 'A' end
    if has(one.parts, VOID) then return 'V' end
    if is_past(one.parts.ends, wish) then return 'E' end
    if customer_of(one.record, one.parts) ~= wish.holder then return 'M' end
    return wish.rules % 2 == 1 and 'R' or 'F'
end

local function use(wish, one)
    local parts = one.parts
    tally('assigned', parts.ends, -1)
    add(tallies, 'redeemed', 1)
    -- It counts for limits for good.
    if counts_for_limits(parts) then
        limit(parts.campaign, parts.ends, -1)
        limit(parts.campaign, nil, 1)
    end
    rewrite(one, with_use(one, wish.at > 0 and wish.at or now), wish.holder_place)
    if has(parts, TEST) then call('SREM', TESTS, one.field) end
    local entry = journal('redeemed', wish.code, unpack(wish.rules >= 2 and { 'flagged', '1' } or {}))
    name(entry, wish.user ~= '' and wish.user or wish.holder, '', wish.event)
    return entry
end

-- The bindings are read before anything is written; the answers, by their fields, when they are needed.
local ones = {}
for n, wish in ipairs(wishes) do ones[n] = bound_to(wish.code, wish.place, wish.start) end

local letters, answers = {}, 0
for n, wish in ipairs(wishes) do
    local known = call('HGET', KEYS[wish.code_place], wish.answer)
    local letter = known and string.sub(known, 1, 1) or judge(wish, ones[n])
    if not known and letter ~= 'M' then
        local entry = letter == 'R' and use(wish, ones[n]) or ''
        answers = answers + call('HSET', KEYS[wish.code_place], wish.answer, letter .. entry)
    end
    letters[n] = letter == TAKEN_BACK and 'A' or letter
end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'answers', answers)
write()
return { 'OK', table.concat(letters) }
