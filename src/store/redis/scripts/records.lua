
-- Looks up the bindings of codes.
--
-- KEYS 15-: buckets of bindings. ARGV 4-: for each code, the place of the bucket that its index names and the start of the
-- fields there (0 and '' for a code that was never assigned), and the code.
-- Returns {'OK', now, when the pool's vouchers end or '', how many codes have metadata, for each code r or a (reserved, assigned), its field and its record, or '' while it is available}.

local found = { 'OK', int(now), call('HGET', POOL, 'expires_at') or '', call('HLEN', METADATA) }
for at = FIRST_ARGUMENT, #ARGV, 3 do
    local place, code = tonumber(ARGV[at]), ARGV[at + 2]
    local letter, field, record = 'a', nil, nil
    if place > 0 then field, record = assigned_record(KEYS[place], ARGV[at + 1], code) end
    if not record then
        local reservation
        field, reservation = reservation_of(code)
        letter, record = 'r', reservation and string.sub(reservation, 15)
    end
    found[#found + 1] = record and letter .. field .. record or ''
end
return found
