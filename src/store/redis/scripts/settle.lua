
-- Assigns what complete messages show, and ends the lease: what else it holds goes back.
--
-- KEYS 15-: buckets of bindings, and of codes.
-- ARGV 4: lease (8 bytes). 5: '1' to end the lease, '0' to go on with it. 6: how many campaigns; their ids; then all messages as
--      one string, each as `MESSAGE` says: the places of its campaign (0 for none) and of its customer's bucket, the second byte
--      of its records, how many codes it shows, and whose it is. Behind it each of these, as `SHOWN` says: the places of the
--      buckets of its field and of its code, the field, the start of the code's hash, when the choice of an overflow pool ends
--      (0 for never), the field of the customer's pointer ('' where the binding lies with its customer), and the code (a tab
--      and the pool, for the choice of an overflow pool). Last, the hashes of the messages (16 bytes each).
-- Returns {'OK', a letter for each message, how many bindings the buckets hold}: A accepted · O accepted, but every voucher
--      is recorded under another message · R refused. Or {'CHOICES'}, with nothing done, if a code that is shown is that of an
--      overflow pool.

local MESSAGE, SHOWN = '>I3I3BI3I2c0', '>I3I3c12c8I6Bc0I2c0'
local parse, sub = struct.unpack, string.sub

local lease, is_end, campaign_count = ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])

local campaign_numbers, new_campaigns = number_campaigns(campaign_count, 7)
if not campaign_numbers then return { 'CAMPAIGNS' } end

-- The parts of the n-th message, and of the n-th code that is shown, stand at place n of these: tables of its own for each
-- take several times as long. The codes of a message are those from its `firsts` up to the next one's.
local campaigns, customer_places, marks, identities, firsts = {}, {}, {}, {}, {}
local bucket_places, code_places, fields, code_hashes, choice_ends, pointers, codes = {}, {}, {}, {}, {}, {}, {}

local message_count, shown_count = 0, 0
local function read_shown(packed, at)
    local n = shown_count + 1
    bucket_places[n], code_places[n], fields[n], code_hashes[n], choice_ends[n], pointers[n], codes[n], at =
        parse(SHOWN, packed, at)
    shown_count = n
    return at
end

local packed, at = ARGV[7 + campaign_count], 1
while at <= #packed do
    local n, campaign, count = message_count + 1, nil, nil
    campaign, customer_places[n], marks[n], count, identities[n], at = parse(MESSAGE, packed, at)
    campaigns[n], firsts[n], message_count = campaign_numbers[campaign], shown_count + 1, n
    for _ = 1, count do at = read_shown(packed, at) end
end
firsts[message_count + 1] = shown_count + 1

-- What is bound under each field: the reservation while it is one, or the record.
local reservations, records, has_alias = values(RESERVED, fields), {}, false
for n, reservation in ipairs(reservations) do
    local record = not reservation and call('HGET', KEYS[bucket_places[n]], fields[n])
    records[n] = record
    if record and is_alias(record) then has_alias = true end
end
if has_alias then
    for m = 1, message_count do
        for n = firsts[m], firsts[m + 1] - 1 do
            if is_alias(records[n]) then records[n] = behind(records[n], KEYS[customer_places[m]]) end
        end
    end
end
local retired = retired_among(ARGV[8 + campaign_count])

-- A record's second byte without the bits that say how widely its code is used again.
local function without_width(byte) return byte - byte % 32 + byte % 8 end

-- The flags and the end of each reservation that is a message's own just as it shows it: its record stands as it is.
local own_flags, own_ends = {}, {}

local function is_own_voucher(n, m)
    local flags, byte, campaign, at = parse('>BBxxxxxxI3', reservations[n], 15)
    local kind, ends = flags % 4, nil
    if kind > FALLBACK or flags >= REDEEMED then return false end
    if flags % (2 * ENDS) >= ENDS then
        ends, at = parse('>I6', reservations[n], at)
        if ends <= now then return false end
    end
    if campaign ~= campaigns[m] or without_width(byte) ~= marks[m]
        or sub(reservations[n], at) ~= codes[n] .. '\n' .. identities[m] then
        return false
    end
    own_flags[n], own_ends[n] = flags, ends
    return true
end

local function customer_of_message(m) return string.match(identities[m], '^[^\n]*') end

local needs_choices = false

-- Whether a code is bound, at this moment, to the key under which it is shown.
local function is_bound(n, m)
    if reservations[n] and is_own_voucher(n, m) then return true end
    local record = reservations[n] and sub(reservations[n], 15) or records[n]
    if not record then return false end
    local binding = read(record)
    if is_over(binding) then return false end
    local chosen = string.match(codes[n], '^\t(.*)')
    if binding.kind == CHOICE and not chosen then
        needs_choices = true
        return false
    end
    local is_foreign = not reservations[n] and customer_of(record, binding) ~= customer_of_message(m)
    return not is_foreign and (binding.kind == CHOICE) == (chosen ~= nil) and binding.code == (chosen or codes[n])
end

local is_accepted = {}
for m = 1, message_count do
    is_accepted[m] = not retired[m]
    for n = firsts[m], firsts[m + 1] - 1 do
        is_accepted[m] = is_bound(n, m) and is_accepted[m]
    end
end
if needs_choices then return { 'CHOICES' } end

-- Whether a record is that of a message.
local function is_of(record, m)
    local binding = read(record)
    return without_width(string.byte(record, 2)) == marks[m] and binding.campaign == campaigns[m]
        and sub(record, binding.tail) == identities[m]
end

-- The record as it is to stand: with the message that assigns it, and for a choice with its end.
local function final_record(record, binding, ends, m)
    local flags = binding.flags - bit.band(binding.flags, ENDS) + (ends and ENDS or 0)
    local mark = string.byte(record, 2)
    mark = mark - without_width(mark) + marks[m]
    local code_at = has(binding, ENDS) and 18 or 12
    return string.char(flags, mark) .. sub(record, 3, 8)
        .. struct.pack('>I3', campaigns[m]) .. (ends and struct.pack('>I6', ends) or '')
        .. sub(record, code_at, binding.tail - 1) .. identities[m]
end

-- What a reservation becomes, its flags, and when it ends from now on.
local function finish(n, m)
    local record = sub(reservations[n], 15)
    if own_flags[n] then return record, own_flags[n], own_ends[n] end
    local binding = read(record)
    local ends = binding.kind == CHOICE and choice_ends[n] > 0 and choice_ends[n] or binding.ends
    if ends ~= binding.ends or not is_of(record, m) then
        record = final_record(record, binding, ends, m)
        if counts_for_limits(binding) then
            limit(binding.campaign, binding.ends, -1, binding.taken)
            limit(campaigns[m], ends, 1, binding.taken)
        end
    end
    return record, binding.flags, ends
end

local dropped, assigned_codes, assigned_count, voucher_count, tests, entries = {}, {}, 0, 0, {}, 0
-- What stands under a field since this call has assigned it.
local assigned = {}

-- What is to be written into buckets: for the place of each its last entry, for each entry its field, its value and the entry
-- before it in the same bucket.
local last_entries, entry_fields, entry_values, entries_before, entry_count = {}, {}, {}, {}, 0

local function put(place, field, value)
    entry_count = entry_count + 1
    entry_fields[entry_count], entry_values[entry_count] = field, value
    entries_before[entry_count], last_entries[place] = last_entries[place] or false, entry_count
end

local function write_entries()
    local arguments = {}
    for place, entry in pairs(last_entries) do
        local count = 0
        while entry do
            if count == 4000 then
                call('HSET', KEYS[place], unpack(arguments, 1, count))
                count = 0
            end
            arguments[count + 1], arguments[count + 2] = entry_fields[entry], entry_values[entry]
            count, entry = count + 2, entries_before[entry]
        end
        call('HSET', KEYS[place], unpack(arguments, 1, count))
    end
end

-- Vouchers that end together and follow each other are tallied together.
local run_end, run_count = nil, 0

local function end_run()
    if run_count == 0 then return end
    tally('reserved', run_end, -run_count)
    tally('assigned', run_end, run_count)
    add(tallies, 'holding', -run_count)
    run_count = 0
end

local function assign(n, m)
    local field = fields[n]
    local record, flags, ends = finish(n, m)
    put(bucket_places[n], field, record)
    entries = entries + 1
    if pointers[n] ~= '' then
        put(customer_places[m], pointers[n], compose_pointer(flags, ends, field, customer_of_message(m)))
        entries = entries + 1
    end
    if flags % 4 == VOUCHER then
        put(code_places[n], code_hashes[n], sub(field, 1, 4))
        voucher_count = voucher_count + 1
        assigned_codes[voucher_count] = codes[n]
        if ends ~= run_end then end_run() end
        run_end, run_count = ends, run_count + 1
    end
    if flags % (2 * TEST) >= TEST then tests[#tests + 1] = field end
    assigned_count = assigned_count + 1
    dropped[assigned_count], assigned[field] = field, record
end

-- The letter of a message that is accepted.
local function keep(m)
    local letter = firsts[m] == firsts[m + 1] and 'A' or 'O'
    for n = firsts[m], firsts[m + 1] - 1 do
        local record = assigned[fields[n]] or records[n]
        if not record then
            assign(n, m)
            letter = 'A'
        elseif letter == 'O' and is_of(record, m) then
            letter = 'A'
        end
    end
    return letter
end

local verdicts = {}
for m = 1, message_count do verdicts[m] = is_accepted[m] and keep(m) or 'R' end
end_run()

-- Mostly a lease has reserved just what its messages show.
local is_over_with_it = is_end and call('HGET', RESERVED, lease) == table.concat(dropped)
if is_over_with_it then dropped[assigned_count + 1] = lease end

write_entries()
each('HSET', CAMPAIGNS, new_campaigns)
each('SADD', TESTS, tests)
each('HDEL', RESERVED, dropped)
if voucher_count > 0 then journal('assigned', table.concat(assigned_codes, '\n')) end
if is_end then
    local is_all = is_over_with_it or select(2, end_holdings(lease, PORTION, assigned))
    if is_all then
        call('ZREM', LEASES, lease)
    else
        call('ZADD', LEASES, 0, lease)
    end
end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
add(tallies, 'settled', 1)
add(tallies, 'entries', entries)
write()
return { 'OK', table.concat(verdicts), call('HGET', POOL, 'entries') or '0' }
