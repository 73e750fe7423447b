
-- Takes vouchers back by hand, if they stand as the caller saw them.
--
-- KEYS 16-: buckets of bindings. ARGV 4-: for each binding, those of a message behind each other: the places of its bucket and
-- of its customer's, its field, the record that the caller saw, when its voucher ends by itself ('' for never), the field of
-- the customer's pointer or '', and the message.
-- Returns {'OK', how many vouchers went back}.

local dropped, tests, removed, freed = {}, {}, {}, 0

-- What came back, by the message that had it: the last of these is the one that is being looked at.
local messages = {}

local function note(message, customer, code)
    local last = messages[#messages]
    if not last or last.message ~= message then
        last = { message = message, customer = customer, codes = {} }
        messages[#messages + 1] = last
    end
    last.codes[#last.codes + 1] = code
end

for at = FIRST_ARGUMENT, #ARGV, 7 do
    local bucket, field, seen = KEYS[tonumber(ARGV[at])], ARGV[at + 2], ARGV[at + 3]
    local reservation = call('HGET', RESERVED, field)
    local bound = not reservation and call('HGET', bucket, field)
    local binding = read(seen)
    if reservation and string.sub(reservation, 15) == seen then
        dropped[#dropped + 1] = field
        freed = freed + give_back(reservation)
    elseif bound == seen and not is_over(binding) and not has(binding, REDEEMED) then
        removed[#removed + 1] = { bucket, field }
        add(tallies, 'entries', -1)
        if ARGV[at + 5] ~= '' then
            removed[#removed + 1] = { KEYS[tonumber(ARGV[at + 1])], ARGV[at + 5] }
            add(tallies, 'entries', -1)
        end
        if counts_for_limits(binding) then limit(binding.campaign, binding.ends, -1) end
        if binding.kind == VOUCHER then
            tally('assigned', binding.ends, -1)
            tally('available', tonumber(ARGV[at + 4]), 1)
            put_back(binding.code, tonumber(ARGV[at + 4]))
            note(ARGV[at + 6], customer_of(seen, binding), binding.code)
            freed = freed + 1
        end
    end
    -- What a test was assigned meanwhile is still to be reclaimed.
    if not bound or bound == seen then tests[#tests + 1] = field end
end
each('HDEL', RESERVED, dropped)
each('SREM', TESTS, tests)
for _, entry in ipairs(removed) do call('HDEL', entry[1], entry[2]) end
for _, one in ipairs(messages) do
    name(journal('released', table.concat(one.codes, '\n')), one.customer, one.message, '')
end
write()
return { 'OK', freed }
