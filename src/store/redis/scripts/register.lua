-- Registers codes, each for a chunk, unless they are registered already.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be. 2: how many there are to be if there is no code yet. 3: how
--      many chunks are forgotten, so that a code of theirs is as good as new; their numbers; then for each bucket: how many
--      codes, and for each of them the code and its chunk.
-- Returns {'OK', how many buckets, how many codes there are, then for each code that is registered for another chunk: its
--      place in the call from 0, that chunk}, or {'RESIZED', how many buckets}.
--
-- It writes bucket by bucket: whatever stops it between two, the chunk is pending and will be registered again.

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

local answer, place, new = { 'OK', buckets, 0 }, 0, 0

-- Registers a code that is new or of a forgotten chunk; notes the chunk of any other.
local function register(key, code, own, chunk)
    if not chunk or forgotten[chunk] then
        call('HSET', key, code, own)
        if not chunk then new = new + 1 end
    elseif chunk ~= own then
        answer[#answer + 1], answer[#answer + 2] = place, chunk
    end
    place = place + 1
end

for n = 2, #KEYS do
    local key, count, names = KEYS[n], tonumber(ARGV[at]), {}
    at = at + 1
    if count == 1 then
        local code, own = ARGV[at], ARGV[at + 1]
        if call('HSETNX', key, code, own) == 1 then
            new, place = new + 1, place + 1
        else
            register(key, code, own, call('HGET', key, code))
        end
    else
        for number = 1, count do names[number] = ARGV[at + 2 * (number - 1)] end
        local found, is_new = call('HMGET', key, unpack(names)), true
        for number = 1, count do is_new = is_new and not found[number] end
        if is_new then
            call('HSET', key, unpack(ARGV, at, at + 2 * count - 1))
            new, place = new + count, place + count
        else
            for number = 1, count do
                register(key, names[number], ARGV[at + 2 * number - 1], found[number])
            end
        end
    end
    at = at + 2 * count
end
if new > 0 then codes = call('HINCRBY', KEYS[1], 'codes', new) end
answer[3] = codes
return answer
