
-- Looks up the bindings of codes.
--
-- KEYS 15-: buckets of bindings. ARGV 4-: for each code, the place of the bucket that its index names and the start of the
-- fields there (0 and '' for a code that was never assigned), and the code.
-- Returns {'OK', now, when the pool's vouchers end or '', how many codes have metadata, for each code r or a (reserved, assigned) and its record, or '' while it is available}.

local reserved
local function reservation_of(code)
    if not reserved then
        reserved = {}
        local reservations = call('HGETALL', RESERVED)
        for n = 1, #reservations, 2 do
            if is_reservation(reservations[n]) then
                local record = string.sub(reservations[n + 1], 15)
                local binding = read(record)
                if binding.kind == VOUCHER then reserved[binding.code] = record end
            end
        end
    end
    return reserved[code]
end

local function assigned_record(bucket, start, code)
    local entries = call('HGETALL', bucket)
    for n = 1, #entries, 2 do
        local record = entries[n + 1]
        if string.sub(entries[n], 1, 4) == start and bit.band(string.byte(record, 1), KIND) == VOUCHER
            and read(record).code == code then
            return record
        end
    end
end

local found = { 'OK', int(now), call('HGET', POOL, 'expires_at') or '', call('HLEN', METADATA) }
for at = FIRST_ARGUMENT, #ARGV, 3 do
    local place, code = tonumber(ARGV[at]), ARGV[at + 2]
    local record = place > 0 and assigned_record(KEYS[place], ARGV[at + 1], code)
    local answer = ''
    if record then
        answer = 'a' .. record
    else
        record = reservation_of(code)
        if record then answer = 'r' .. record end
    end
    found[#found + 1] = answer
end
return found
