
-- Removes entries of the journal, and whom they name.
--
-- ARGV 4: the moment before which they were written, in ms.
-- Returns {'OK', how many went}.

local trimmed = call('XTRIM', JOURNAL, 'MINID', ARGV[FIRST_ARGUMENT])
call('ZREMRANGEBYSCORE', NAMES, '-inf', '(' .. ARGV[FIRST_ARGUMENT])
return { 'OK', trimmed }
