
-- What the scripts share that find bindings by their codes.

-- What is reserved, by code: the field and the reservation. Read once, when a code asks for it.
local reserved

local function reservation_of(code)
    if not reserved then
        reserved = {}
        local entries = call('HGETALL', RESERVED)
        for n = 1, #entries, 2 do
            if is_reservation(entries[n]) then
                local binding = read(string.sub(entries[n + 1], 15))
                if binding.kind == VOUCHER then reserved[binding.code] = { entries[n], entries[n + 1] } end
            end
        end
    end
    return unpack(reserved[code] or {})
end

-- Where a code was assigned: the field in the bucket, and the record. The field begins as the buckets of codes say.
local function assigned_record(bucket, start, code)
    local entries = call('HGETALL', bucket)
    for n = 1, #entries, 2 do
        local record = entries[n + 1]
        if string.sub(entries[n], 1, 4) == start and bit.band(string.byte(record, 1), KIND) == VOUCHER
            and read(record).code == code then
            return entries[n], record
        end
    end
end
