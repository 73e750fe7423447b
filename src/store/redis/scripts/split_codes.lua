-- Grows a shard's registry of codes, one bucket after the other: writes the two parts of a bucket that the caller has read
-- and split.
--
-- KEYS 1: the shard. Then for each step the bucket that is split and the new one.
-- ARGV 1: how many buckets there are before. 2: the version at which the caller has read them. 3-: for each step what stays in
--      the bucket, and what goes into the new one.
-- Returns {'OK', how many buckets there are now}, or {'RESIZED', how many buckets} if anything has changed since.

local shard = call('HMGET', KEYS[1], 'codes_buckets', 'codes_version')
local buckets = shard[1] or '1'
if ARGV[1] ~= buckets or ARGV[2] ~= (shard[2] or '0') then return { 'RESIZED', buckets } end
local steps = (#KEYS - 1) / 2

local function put(key, text)
    if text ~= '' then call('RPUSH', key, text) end
end

for n = 1, steps do
    call('UNLINK', KEYS[2 * n])
    put(KEYS[2 * n], ARGV[2 * n + 1])
    put(KEYS[2 * n + 1], ARGV[2 * n + 2])
end
buckets = buckets + steps
call('HSET', KEYS[1], 'codes_buckets', buckets)
return { 'OK', buckets }
