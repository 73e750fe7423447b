
-- Assigns what complete messages show, and ends the lease: what else it holds goes back.
--
-- KEYS 16-: buckets of bindings, and of codes.
-- ARGV 4: lease (8 bytes). 5: '1' to end the lease, '0' to go on with it. 6: how many campaigns; their ids; then for each
--      message: its hash, its identity, the places of its campaign (0 for none) and of its customer's bucket, how many codes
--      it shows; for each of these: the places of the bucket of its field and of its code, the field, the start of the code's
--      hash, the code (a tab and the pool, for the choice of an overflow pool), when such a choice ends ('' for never), and the field of the
--      customer's pointer ('' where the binding lies with its customer).
-- Returns {'OK', a letter for each message, how many bindings the buckets hold}: A accepted · O accepted, but every voucher
--      is recorded under another message · R refused. Or {'CHOICES'}, with nothing done, if a code that is shown is that of an
--      overflow pool.

local lease, is_end, campaign_count = ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
local at = 7 + campaign_count

local function argument()
    at = at + 1
    return ARGV[at - 1]
end

local messages, shown, fields, hashes = {}, {}, {}, {}
while at <= #ARGV do
    local message = {
        hash = argument(),
        identity = argument(),
        campaign = tonumber(argument()),
        customer_bucket = KEYS[tonumber(argument())],
        shown = {},
    }
    for n = 1, tonumber(argument()) do
        local one = {
            bucket = KEYS[tonumber(argument())],
            code_bucket = KEYS[tonumber(argument())],
            field = argument(),
            code_hash = argument(),
            code = argument(),
            ends = tonumber(argument()),
            pointer = argument(),
        }
        message.shown[n] = one
        shown[#shown + 1], fields[#fields + 1] = one, one.field
    end
    messages[#messages + 1], hashes[#hashes + 1] = message, message.hash
end

local campaign_numbers, new_campaigns = number_campaigns(campaign_count, 7)
if not campaign_numbers then return { 'CAMPAIGNS' } end

-- What is bound under each field: the reservation while it is one, and the record.
local reservations, records = {}, {}
for n, found in ipairs(values(RESERVED, fields)) do
    reservations[fields[n]] = found or nil
    records[fields[n]] = found and string.sub(found, 15) or call('HGET', shown[n].bucket, fields[n])
end
local retired = any_retired and #hashes > 0 and call('HMGET', RETIRED, unpack(hashes)) or {}

local needs_choices = false

-- Whether a code is bound, at this moment, to the key under which it is shown.
local function is_bound(one, message)
    local record = records[one.field]
    if not record then return false end
    local binding = read(record)
    if is_over(binding) then return false end
    local chosen = string.match(one.code, '^\t(.*)')
    if binding.kind == CHOICE and not chosen then
        needs_choices = true
        return false
    end
    local is_foreign = not reservations[one.field]
        and customer_of(record, binding) ~= string.match(message.identity, '^[^\n]*', 3)
    return not is_foreign and (binding.kind == CHOICE) == (chosen ~= nil) and binding.code == (chosen or one.code)
end

for n, message in ipairs(messages) do
    message.is_accepted = not retired[n]
    for _, one in ipairs(message.shown) do
        message.is_accepted = is_bound(one, message) and message.is_accepted
    end
end
if needs_choices then return { 'CHOICES' } end

local WIDTH = 24 -- the bits of a record's second byte that say how widely a code is used again

local function marks(record) return string.byte(record, 2) - bit.band(string.byte(record, 2), WIDTH) end

-- Whether a record is that of a message.
local function is_of(record, message)
    local binding = read(record)
    return marks(record) == marks(message.identity) and binding.campaign == campaign_numbers[message.campaign]
        and string.sub(record, binding.tail) == string.sub(message.identity, 3)
end

-- The record as it is to stand: with the message that assigns it, and for a choice with its end.
local function final_record(record, binding, one, message)
    local ends = binding.kind == CHOICE and one.ends or binding.ends
    local flags = binding.flags - bit.band(binding.flags, ENDS) + (ends and ENDS or 0)
    local mark = marks(message.identity) + bit.band(string.byte(record, 2), WIDTH)
    local code_at = has(binding, ENDS) and 18 or 12
    return string.char(flags, mark) .. string.sub(record, 3, 8)
        .. struct.pack('>I3', campaign_numbers[message.campaign]) .. (ends and struct.pack('>I6', ends) or '')
        .. string.sub(record, code_at, binding.tail - 1) .. string.sub(message.identity, 3), ends
end

local dropped, holdings, assigned_codes, tests = {}, {}, {}, {}
local writes = {}

local function put(key, field, value)
    writes[key] = writes[key] or {}
    local pairs_of_key = writes[key]
    pairs_of_key[#pairs_of_key + 1] = field
    pairs_of_key[#pairs_of_key + 1] = value
end

local function assign(one, message)
    local reservation = reservations[one.field]
    local holder, _, record = read_reservation(reservation)
    local binding = read(record)
    local final, ends = record, binding.ends
    if not is_of(record, message) or one.ends then
        final, ends = final_record(record, binding, one, message)
        if counts_for_limits(binding) then
            limit(binding.campaign, binding.ends, -1)
            limit(campaign_numbers[message.campaign], ends, 1)
        end
    end
    put(one.bucket, one.field, final)
    add(tallies, 'entries', 1)
    if one.pointer ~= '' then
        put(message.customer_bucket, one.pointer,
            compose_pointer(binding.flags, ends, one.field, string.match(message.identity, '^[^\n]*', 3)))
        add(tallies, 'entries', 1)
    end
    if binding.kind == VOUCHER then
        put(one.code_bucket, one.code_hash, string.sub(one.field, 1, 4))
        tally('reserved', binding.ends, -1)
        tally('assigned', binding.ends, 1)
        add(tallies, 'holding', -1)
        assigned_codes[#assigned_codes + 1] = one.code
    end
    if has(binding, TEST) then tests[#tests + 1] = one.field end
    dropped[#dropped + 1] = one.field
    holdings[#holdings + 1] = holding(holder, binding, one.field)
    reservations[one.field], records[one.field] = nil, final
end

local verdicts = {}
for n, message in ipairs(messages) do
    if message.is_accepted then
        local is_own = #message.shown == 0
        for _, one in ipairs(message.shown) do
            if reservations[one.field] then assign(one, message) end
            is_own = is_own or is_of(records[one.field], message)
        end
        verdicts[n] = is_own and 'A' or 'O'
    else
        verdicts[n] = 'R'
    end
end

for key, pairs_of_key in pairs(writes) do each('HSET', key, pairs_of_key) end
each('HSET', CAMPAIGNS, new_campaigns)
each('SADD', TESTS, tests)
each('HDEL', RESERVED, dropped)
each('ZREM', HELD, holdings)
if #assigned_codes > 0 then
    call('XADD', JOURNAL, 'MINID', '~', int(now - JOURNAL_TIME), '*', 'assigned', table.concat(assigned_codes, '\n'))
end
if is_end then
    if end_holdings(lease, PORTION) < PORTION then
        call('ZREM', LEASES, lease)
    else
        call('ZADD', LEASES, 0, lease)
    end
end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
add(tallies, 'settled', 1)
write()
return { 'OK', table.concat(verdicts), call('HGET', POOL, 'entries') or '0' }
