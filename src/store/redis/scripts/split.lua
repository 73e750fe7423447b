
-- Grows the space of a pool's bindings, one bucket after the other: moves part of a bucket to a new one.
--
-- KEYS 15-: for each step: the bucket of bindings that is split and the new one, then those of codes.
-- Returns {'OK', how many buckets there are now, how many bindings}.

for n = FIRST_KEY, #KEYS do call('HLEN', KEYS[n]) end

-- Moves what belongs into bucket `new`, in a space whose buckets were `wide` until twice as many.
local function split(from, to, new, wide)
    local entries = call('HGETALL', from)
    local moved, fields = {}, {}
    for n = 1, #entries, 2 do
        if struct.unpack('>I4', entries[n]) % wide == new then
            fields[#fields + 1] = entries[n]
            moved[#moved + 1] = entries[n]
            moved[#moved + 1] = entries[n + 1]
        end
    end
    each('HSET', to, moved)
    each('HDEL', from, fields)
end

local before = buckets
for n = FIRST_KEY, #KEYS, 4 do
    local wide = 2
    while wide <= buckets do wide = wide * 2 end
    split(KEYS[n], KEYS[n + 1], buckets, wide)
    split(KEYS[n + 2], KEYS[n + 3], buckets, wide)
    buckets = buckets + 1
end
if buckets > before then call('HSET', POOL, 'buckets', buckets) end
return { 'OK', buckets, call('HGET', POOL, 'entries') or '0' }
