-- Removes keys of a pool that is marked as one to be removed.
--
-- KEYS 1: the pool's header. 2-: the keys; the header itself comes last of all.
-- ARGV 1: the pool's number.
-- Returns {'OK'}.

local header = redis.call('HMGET', KEYS[1], 'number', 'deleting')
if header[1] == ARGV[1] and header[2] then redis.call('UNLINK', unpack(KEYS, 2)) end
return { 'OK' }
