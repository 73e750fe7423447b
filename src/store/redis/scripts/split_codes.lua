-- Grows a shard's registry of codes, one bucket after the other: moves part of a bucket to a new one.
--
-- KEYS 1: the shard. Then for each step the bucket that is split and the new one.
-- ARGV 1: how many buckets there are before.
-- Returns {'OK', how many buckets there are now, how many codes}, or {'RESIZED', how many buckets}.

local call = redis.call
local shard = call('HMGET', KEYS[1], 'codes_buckets', 'codes')
local buckets = shard[1] or '1'
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end
buckets = tonumber(buckets)
for n = 2, #KEYS do call('HLEN', KEYS[n]) end

-- A code goes to the new bucket if this bit of its hash is set: the hexadecimal digits that have it, and where they stand.
local function moving(bit_number)
    local digits, mask = {}, bit.lshift(1, bit_number % 4)
    for value = 0, 15 do
        if bit.band(value, mask) > 0 then digits[string.byte(string.format('%x', value))] = true end
    end
    return digits, 8 - math.floor(bit_number / 4)
end

-- As many at a time as Lua can unpack.
local function put(key, items)
    for first = 1, #items, 4000 do call('HSET', key, unpack(items, first, math.min(first + 3999, #items))) end
end

for n = 2, #KEYS, 2 do
    local bit_number = 0
    while 2 ^ (bit_number + 1) <= buckets do bit_number = bit_number + 1 end
    local digits, digit_at = moving(bit_number)
    local entries = call('HGETALL', KEYS[n])
    local moved, kept = {}, {}
    for place = 1, #entries, 2 do
        local to = digits[string.byte(redis.sha1hex(entries[place]), digit_at)] and moved or kept
        to[#to + 1], to[#to + 2] = entries[place], entries[place + 1]
    end
    if #moved > 0 then
        put(KEYS[n + 1], moved)
        call('UNLINK', KEYS[n])
        put(KEYS[n], kept)
    end
    buckets = buckets + 1
end
call('HSET', KEYS[1], 'codes_buckets', buckets)
return { 'OK', buckets, tonumber(shard[2] or 0) }
