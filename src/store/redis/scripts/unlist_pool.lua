-- Takes a pool off the list of its project.
--
-- KEYS 1: the pools.
-- ARGV 1: the pool's name. 2: its number; a pool of that name with another number stays.
-- Returns {'OK'}.

if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return { 'OK' }
