-- Forgets whose messages are, and retires them.
--
-- KEYS 1: the shard. 2-: buckets of messages.
-- ARGV 1: the customer.
-- Returns {'OK', how many buckets there are}.

local call = redis.call
local buckets = call('HGET', KEYS[1], 'messages_buckets') or '1'
for n = 2, #KEYS do
    local entries = call('HGETALL', KEYS[n])
    for at = 1, #entries, 2 do
        local flag, whose = string.match(entries[at + 1], '^%*?(%a)(.*)$')
        if whose == ARGV[1] then call('HSET', KEYS[n], entries[at], string.lower(flag)) end
    end
end
-- Even where nothing changes something is written: only then does WAIT speak of it.
call('HINCRBY', KEYS[1], 'calls', 1)
return { 'OK', buckets }
