-- Lists a pool in its project, if it is not listed.
--
-- KEYS 1: the pools. 2: the numbers.
-- ARGV 1: the pool's name.
-- Returns {'OK', the pool's number}.

local call = redis.call
local number = call('HGET', KEYS[1], ARGV[1])
call('HLEN', KEYS[2])
if not number then
    number = call('HINCRBY', KEYS[2], 'pool', 1)
    call('HSET', KEYS[1], ARGV[1], number)
end
return { 'OK', number }
