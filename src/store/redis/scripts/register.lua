-- Registers codes, each for a chunk, unless they are registered already.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be. 2: how many there are to be if there is no code yet. 3: how
--      many chunks are forgotten, so that a code of theirs is as good as new; their numbers; then for each bucket: how many
--      codes, and for each of them the code and its chunk.
-- Returns {'OK', how many buckets, how many codes there are, then for each code that is registered for another chunk: its
--      place in the call from 0, that chunk}, or {'RESIZED', how many buckets}.

local call = redis.call
local shard = call('HMGET', KEYS[1], 'codes_buckets', 'codes')
local buckets, codes = shard[1] or '1', tonumber(shard[2] or 0)
if codes == 0 and tonumber(buckets) < tonumber(ARGV[2]) then
    buckets = ARGV[2]
    call('HSET', KEYS[1], 'codes_buckets', buckets)
end
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end

local forgotten, at = {}, 4
for n = 1, tonumber(ARGV[3]) do
    forgotten[ARGV[at]] = true
    at = at + 1
end

local groups = {}
for n = 2, #KEYS do
    local count = tonumber(ARGV[at])
    local first, last = at + 1, at + 2 * count
    local found
    if count == 1 then
        found = { call('HGET', KEYS[n], ARGV[first]) }
    else
        local names = {}
        for place = 1, count do names[place] = ARGV[first + 2 * (place - 1)] end
        found = call('HMGET', KEYS[n], unpack(names))
    end
    groups[n] = { first, last, found }
    at = last + 1
end

local answer, place, new = { 'OK', buckets, 0 }, 0, 0
for n = 2, #KEYS do
    local first, last, found = unpack(groups[n])
    local pairs_of_bucket, filled = {}, 0
    for number = 1, #found do
        local chunk, own = found[number], ARGV[first + 2 * number - 1]
        if not chunk or forgotten[chunk] then
            if not chunk then new = new + 1 end
            pairs_of_bucket[filled + 1], pairs_of_bucket[filled + 2] = ARGV[first + 2 * number - 2], own
            filled = filled + 2
        elseif chunk ~= own then
            answer[#answer + 1] = place
            answer[#answer + 1] = chunk
        end
        place = place + 1
    end
    if filled > 0 then call('HSET', KEYS[n], unpack(pairs_of_bucket)) end
end
if new > 0 then codes = call('HINCRBY', KEYS[1], 'codes', new) end
answer[3] = codes
return answer
