-- Makes a pool, if there is none of its name.
--
-- KEYS 1: the pool's header.
-- ARGV 1: the pool's number. 2: the maker's mark, by which a repeated call knows its own pool. Then names of settings and
--      their values.
-- Returns {'OK'}, {'EXISTS'}, or {'DELETING'} while the one before it is not wholly removed.

local call = redis.call
local header = call('HMGET', KEYS[1], 'number', 'made', 'deleting')
if header[3] then return { 'DELETING' } end
if header[1] then return { header[2] == ARGV[2] and 'OK' or 'EXISTS' } end
call('HSET', KEYS[1], 'number', ARGV[1], 'made', ARGV[2], unpack(ARGV, 3))
return { 'OK' }
