-- Adds a bucket to the messages of a shard, and moves there what belongs there.
--
-- KEYS 1: the shard. 2: the bucket that is split. 3: the new bucket. ARGV 1: how many buckets there are.
-- Returns {'OK', how many buckets there are now}, or {'RESIZED', n}.

local call = redis.call
local buckets = tonumber(call('HGET', KEYS[1], 'messages_buckets') or '1')
if buckets ~= tonumber(ARGV[1]) then return { 'RESIZED', buckets } end
local whole = 1
while whole * 2 <= buckets do whole = whole * 2 end
call('HLEN', KEYS[3])
local entries = call('HGETALL', KEYS[2])
for n = 1, #entries, 2 do
    if struct.unpack('>I4', entries[n]) % (2 * whole) == buckets then
        call('HSET', KEYS[3], entries[n], entries[n + 1])
        call('HDEL', KEYS[2], entries[n])
    end
end
call('HSET', KEYS[1], 'messages_buckets', buckets + 1)
return { 'OK', buckets + 1 }
