
-- Looks up what is bound under fields, changing nothing.
--
-- KEYS 15-: buckets of bindings. ARGV 4-: for each field, the places of its bucket and of its customer's, and the field.
-- Returns {'OK', the pool's number, how many codes have metadata, for each field r or a (reserved, assigned) and its record,
--      or ''}. What is over counts as unbound.

local found = { 'OK', header[1], call('HLEN', METADATA) }
for at = FIRST_ARGUMENT, #ARGV, 3 do
    local reservation = call('HGET', RESERVED, ARGV[at + 2])
    local record = reservation and string.sub(reservation, 15) or call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 2])
    if is_alias(record) then record = behind(record, KEYS[tonumber(ARGV[at + 1])]) end
    local answer = ''
    if record and not is_over(read(record)) then answer = (reservation and 'r' or 'a') .. record end
    found[#found + 1] = answer
end
return found
