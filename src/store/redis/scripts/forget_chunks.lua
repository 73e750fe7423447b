-- Forgets chunks of codes. A code that is registered for one of them is as good as not registered.
--
-- KEYS 1: the chunks.
-- ARGV: their numbers.
-- Returns {'OK'}.

redis.call('HDEL', KEYS[1], unpack(ARGV))
return { 'OK' }
