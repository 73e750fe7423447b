-- Looks codes up.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be. 2-: for each bucket: how many codes, and the codes.
-- Returns {'OK', for each code the mark of its chunk or ''}, or {'RESIZED', how many buckets}.

local buckets = call('HGET', KEYS[1], 'codes_buckets') or '1'
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end
local answer, at = { 'OK' }, 2
for n = 2, #KEYS do
    local texts, count = read(KEYS[n]), tonumber(ARGV[at])
    for place = at + 1, at + count do answer[#answer + 1] = find(texts, ARGV[place]) or '' end
    at = at + count + 1
end
return answer
