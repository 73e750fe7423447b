-- Takes the mark off a pool that was to be removed and is not.
--
-- KEYS 1: the pool's header.
-- ARGV 1: the pool's number.
-- Returns {'OK'}.

if redis.call('HGET', KEYS[1], 'number') == ARGV[1] then redis.call('HDEL', KEYS[1], 'deleting') end
return { 'OK' }
