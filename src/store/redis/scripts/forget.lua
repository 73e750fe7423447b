
-- Forgets whose bindings are. They go to other fields, which say nothing of their customer.
--
-- KEYS 15: the customer's bucket. 16-: buckets of bindings and of codes.
-- ARGV 4: the customer. 5-: for each binding the places of its bucket, of the one that it goes to and of its code's (0 for what is
--      no voucher), the start of the code's hash, its field, the one that it goes to, and the record that the caller saw.
-- Returns {'OK', how many vouchers were forgotten}, or {'OK', 'reserved'} with nothing done if something is reserved for the
--      customer.

local customer, home = ARGV[FIRST_ARGUMENT], KEYS[FIRST_KEY]
for n = FIRST_KEY, #KEYS do call('HLEN', KEYS[n]) end

local reservations = call('HGETALL', RESERVED)
for n = 1, #reservations, 2 do
    if is_reservation(reservations[n]) then
        local record = string.sub(reservations[n + 1], 15)
        if customer_of(record, read(record)) == customer then return { 'OK', 'reserved' } end
    end
end

-- A record without its customer and its message. Bits 5 and 6 of its second byte say how the message is written.
local function anonymous(record, parts)
    local mark = string.byte(record, 2)
    return string.sub(record, 1, 1) .. string.char(mark % 32) .. string.sub(record, 3, parts.tail - 1)
end

local function move(bucket, field, to, to_field, record)
    local parts = read(record)
    call('HSET', to, to_field, anonymous(record, parts))
    call('HDEL', bucket, field)
    if call('SREM', TESTS, field) == 1 then call('SADD', TESTS, to_field) end
    return parts.kind == VOUCHER
end

-- What stood in the customer's bucket, to know aliases by that lead there.
local forgotten, gone = 0, {}
for at = FIRST_ARGUMENT + 1, #ARGV, 7 do
    local bucket, to, code_place = KEYS[tonumber(ARGV[at])], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
    local field, to_field, record = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
    gone[field] = true
    if call('HGET', bucket, field) == record then
        if move(bucket, field, to, to_field, record) then
            call('HSET', KEYS[code_place], ARGV[at + 3], string.sub(to_field, 1, 4))
            forgotten = forgotten + 1
        end
    elseif code_place > 0 and call('HEXISTS', to, to_field) == 1 then
        -- The answer to this very call was lost.
        forgotten = forgotten + 1
    end
end

local entries = call('HGETALL', home)
for n = 1, #entries, 2 do
    local entry = entries[n + 1]
    local leads_there = is_alias(entry) and gone[target_of(entry)]
    if leads_there or (bit.band(string.byte(entry, 1), KIND) == POINTER and read_pointer(entry).customer == customer) then
        add(tallies, 'entries', -call('HDEL', home, entries[n]))
    end
end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'answers', 0)
write()
return { 'OK', forgotten }
