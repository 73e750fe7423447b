-- Takes the codes of chunks out of buckets of the registry.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV: ranges of chunk numbers: the first and the last of each.
-- Returns {'OK', how many buckets there are}.

local call = redis.call

local function is_meant(chunk)
    for n = 1, #ARGV, 2 do
        if chunk >= tonumber(ARGV[n]) and chunk <= tonumber(ARGV[n + 1]) then return true end
    end
end

local buckets, gone, count = call('HGET', KEYS[1], 'codes_buckets') or '1', {}, 0
for n = 2, #KEYS do
    local entries = call('HGETALL', KEYS[n])
    gone[n] = {}
    for place = 1, #entries, 2 do
        if is_meant(tonumber(entries[place + 1])) then gone[n][#gone[n] + 1] = entries[place] end
    end
    count = count + #gone[n]
end
for n, codes in pairs(gone) do
    for first = 1, #codes, 4000 do
        call('HDEL', KEYS[n], unpack(codes, first, math.min(first + 3999, #codes)))
    end
end
if count > 0 then call('HINCRBY', KEYS[1], 'codes', -count) end
return { 'OK', buckets }
