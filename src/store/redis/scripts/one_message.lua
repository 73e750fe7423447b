-- Gives one message a code, once: what a program without this store would write, to compare with.
--
-- KEYS 1: the codes that are left, a list; 2: the code of each message, a hash; 3: this customer's codes, a set; 4: the
-- journal, a stream. ARGV 1: the message; 2: the customer; 3: the campaign; 4: the prefix of the codes' own hashes.
-- Returns the code, or nothing where none is left.

local found = redis.call('HGET', KEYS[2], ARGV[1])
if found then
    return found
end
local code = redis.call('LPOP', KEYS[1])
if not code then
    return false
end
local now = redis.call('TIME')[1]
redis.call('HSET', KEYS[2], ARGV[1], code)
redis.call('HSET', ARGV[4] .. code, 'state', 'assigned', 'customer', ARGV[2], 'campaign', ARGV[3], 'at', now)
redis.call('SADD', KEYS[3], code)
redis.call('XADD', KEYS[4], '*', 'message', ARGV[1], 'code', code)
return code
