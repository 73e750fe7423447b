
-- Writes down chunks of codes that are about to be registered.
--
-- ARGV 4: the import's mark. 5: the pool's number when the chunks got theirs. 6-: number and codes of each chunk.
-- Returns {'OK', '1'}, or {'OK', '0'} with nothing done if the import is closed or the pool another.

if header[1] ~= ARGV[5] or call('HEXISTS', PENDING, 'i' .. ARGV[4]) == 0 then return { 'OK', '0' } end
if ARGV[6] then call('HSET', PENDING, unpack(ARGV, 6)) end
return { 'OK', '1' }
