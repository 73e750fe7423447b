
-- Writes the metadata of codes that are about to be added.
--
-- ARGV 4: the number of one of their chunks, which must be pending still. 5-: code and metadata of each.
-- Returns {'OK'}.

if call('HEXISTS', PENDING, ARGV[4]) == 1 then call('HSET', METADATA, unpack(ARGV, 5)) end
return { 'OK' }
