
-- Looks up what is bound under fields, changing nothing.
--
-- KEYS 15-: buckets of bindings. ARGV 4-: for each field, the place of its bucket and the field.
-- Returns {'OK', the pool's number, how many codes have metadata, for each field r or a (reserved, assigned) and its record,
--      or ''}. What is over counts as unbound.

local found = { 'OK', header[1], call('HLEN', METADATA) }
for at = FIRST_ARGUMENT, #ARGV, 2 do
    local reservation = call('HGET', RESERVED, ARGV[at + 1])
    local record = reservation and string.sub(reservation, 15) or call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1])
    local answer = ''
    if record and not is_over(read(record)) then answer = (reservation and 'r' or 'a') .. record end
    found[#found + 1] = answer
end
return found
