-- Reads the codes of chunks in buckets of the registry.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be. 2-: ranges of chunk numbers: the first and the last of each.
-- Returns {'OK', how many buckets, code, chunk, …}, or {'RESIZED', how many buckets}.

local call = redis.call

local function is_meant(chunk)
    for n = 2, #ARGV, 2 do
        if chunk >= tonumber(ARGV[n]) and chunk <= tonumber(ARGV[n + 1]) then return true end
    end
end

local buckets = call('HGET', KEYS[1], 'codes_buckets') or '1'
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end
local answer = { 'OK', buckets }
for n = 2, #KEYS do
    local entries = call('HGETALL', KEYS[n])
    for place = 1, #entries, 2 do
        if is_meant(tonumber(entries[place + 1])) then
            answer[#answer + 1], answer[#answer + 2] = entries[place], entries[place + 1]
        end
    end
end
return answer
