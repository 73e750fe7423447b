
-- Lists what test messages were assigned.
--
-- ARGV 4: where to go on, '0' at first.
-- Returns {'OK', where to go on ('0' at the end), fields}.

local found = call('SSCAN', TESTS, ARGV[4], 'COUNT', 500)
return { 'OK', found[1], found[2] }
