
-- Lists everything that customers have from this pool.
--
-- KEYS 15-: buckets of bindings. ARGV 4: '1' to list reservations, too. 5-: for each look-up, the place of a bucket, the
-- start of the fields that are meant (4 bytes), the customer.
-- Returns {'OK', now, when the pool's vouchers end or '', how many codes have metadata, for each look-up a list}: r or a (reserved, assigned), the field and the record · p and the start of the
-- fields under which more of this customer lies.

local wanted, lists = {}, {}
for at = FIRST_ARGUMENT + 1, #ARGV, 3 do
    local customer, list = ARGV[at + 2], {}
    local entries = call('HGETALL', KEYS[tonumber(ARGV[at])])
    for n = 1, #entries, 2 do
        if string.sub(entries[n], 1, 4) == ARGV[at + 1] then
            local entry = entries[n + 1]
            if bit.band(string.byte(entry, 1), KIND) == POINTER then
                if read_pointer(entry).customer == customer then list[#list + 1] = 'p' .. string.sub(entry, 2, 5) end
            elseif customer_of(entry, read(entry)) == customer then
                list[#list + 1] = 'a' .. entries[n] .. entry
            end
        end
    end
    lists[#lists + 1] = list
    wanted[customer] = list
end
if ARGV[4] == '1' then
    local reservations = call('HGETALL', RESERVED)
    for n = 1, #reservations, 2 do
        if is_reservation(reservations[n]) then
            local record = string.sub(reservations[n + 1], 15)
            local list = wanted[customer_of(record, read(record))]
            if list then list[#list + 1] = 'r' .. reservations[n] .. record end
        end
    end
end
return { 'OK', int(now), call('HGET', POOL, 'expires_at') or '', call('HLEN', METADATA), lists }
