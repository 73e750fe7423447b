
-- Retires message ids: from now on nothing is reserved for them, and nothing that they show is accepted.
--
-- ARGV 4-: the messages' hashes.
-- Returns {'OK'}.

for n = FIRST_ARGUMENT, #ARGV do call('HSET', RETIRED, ARGV[n], int(now)) end
return { 'OK' }
