
-- Looks up what the buckets of codes say: where the bindings of codes are, and what events got as answers.
--
-- KEYS 15-: buckets of codes. ARGV 4-: for each look-up, the place of its bucket and the field: the start of a code's hash, or that
-- of an answer.
-- Returns {'OK', for each look-up what stands there, or ''}: the start of the fields among which a code's binding is, or a letter.

local found = { 'OK' }
for at = FIRST_ARGUMENT, #ARGV, 2 do
    found[#found + 1] = call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1]) or ''
end
return found
