
-- Looks up where the bindings of codes are.
--
-- KEYS 15-: buckets of codes. ARGV 4-: for each code, the place of its bucket and the start of its hash.
-- Returns {'OK', for each code the start of the fields among which its binding is, or ''}.

local found = { 'OK' }
for at = FIRST_ARGUMENT, #ARGV, 2 do
    found[#found + 1] = call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1]) or ''
end
return found
