
-- Retires a message id: from now on nothing is reserved for it, and nothing that it shows is accepted.
--
-- ARGV 4: the message's hash.
-- Returns {'OK'}.

call('HSET', RETIRED, ARGV[4], int(now))
return { 'OK' }
