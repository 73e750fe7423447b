-- Registers codes, each for a chunk, unless they are registered already.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be. 2: how many there are to be if there is no code yet. 3: how
--      many codes the call has, all different. 4: by how much the version grows. 5: the version at which the caller has read
--      the buckets. 6: what the caller saw: for each bucket '+' if it had none of its codes. 7: how many chunks are forgotten,
--      so that a code of theirs is as good as new; their marks; then for each bucket: its codes, each with the mark of its
--      chunk.
-- Returns {'OK', how many buckets, how many codes there are, then for each bucket with codes that are registered for other
--      chunks: its place in the call from 0, and for each of its codes the mark of the other chunk, if there is one, and a
--      comma}, or {'RESIZED', how many buckets}.
--
-- It writes bucket by bucket: whatever stops it between two, the chunk is pending and will be registered again.

local shard = call('HMGET', KEYS[1], 'codes_buckets', 'codes', 'codes_version')
local buckets, codes = shard[1] or '1', tonumber(shard[2] or 0)
if codes == 0 and tonumber(buckets) < tonumber(ARGV[2]) then
    buckets = ARGV[2]
    call('HSET', KEYS[1], 'codes_buckets', buckets)
end
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end

-- Where versions are lost with a failover, others that take their place are not the same: each grows by chance.
local seen = ARGV[5] == (shard[3] or '0') and ARGV[6] or ''
call('HINCRBY', KEYS[1], 'codes_version', ARGV[4])

local gmatch, string_find, byte = string.gmatch, string.find, string.byte
local forgotten, before = {}, 7 + ARGV[7]
for n = 8, before do forgotten[ARGV[n]] = true end

local answer, new = { 'OK', buckets, 0 }, tonumber(ARGV[3])

-- Whether a bucket may have any of the codes: one of them stands there, by itself or as a part of another.
local function may_have(texts, packed)
    for code in gmatch(packed, '%C+') do
        for n = 1, #texts do
            if string_find(texts[n], code, 1, true) then return true end
        end
    end
    return false
end

-- Registers codes in a bucket that may have some of them. Returns the marks of those that others have, if there are any.
local function merge(key, texts, packed)
    local added, marks, has_others, is_edited, n = {}, {}, false, false, 0
    for code, own in gmatch(packed, '(%C+)(%c+)') do
        local mark, text, last = find(texts, code)
        n = n + 1
        marks[n] = ''
        if not mark then
            added[#added + 1] = code
            added[#added + 1] = own
        else
            new = new - 1
            if forgotten[mark] then
                local before, behind = string.sub(texts[text], 1, last), string.sub(texts[text], last + #mark + 1)
                texts[text], is_edited = before .. own .. behind, true
            elseif mark ~= own then
                marks[n], has_others = mark, true
            end
        end
    end
    if is_edited then
        call('UNLINK', key)
        call('RPUSH', key, table.concat(texts))
    end
    if #added > 0 then call('RPUSH', key, table.concat(added)) end
    return has_others and table.concat(marks, ',') .. ','
end

for n = 2, #KEYS do
    local key, packed = KEYS[n], ARGV[before + n - 1]
    local texts = byte(seen, n - 1) ~= 43 and read(key)
    if texts and may_have(texts, packed) then
        local others = merge(key, texts, packed)
        if others then answer[#answer + 1], answer[#answer + 2] = n - 2, others end
    else
        call('RPUSH', key, packed)
    end
end
if new > 0 then codes = call('HINCRBY', KEYS[1], 'codes', new) end
answer[3] = codes
return answer
