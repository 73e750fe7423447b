
-- Adds the codes of chunks that are pending still, and perhaps closes the import.
--
-- ARGV 4: the mark of the import to close, or ''. 5: how many codes a bucket is to have. 6-: for each chunk: its number, when
--      its codes end in ms or '', how many codes there are, how many blobs, and the blobs.
-- Returns {'OK', how many codes the pool has, how many bindings, how many buckets, for each chunk '1' if this call added it}.

local numbers, chunks, at = {}, {}, 6
while at <= #ARGV do
    local blobs = tonumber(ARGV[at + 3])
    numbers[#numbers + 1] = ARGV[at]
    chunks[#chunks + 1] =
        { ends = ARGV[at + 1], codes = tonumber(ARGV[at + 2]), first = at + 4, last = at + 3 + blobs }
    at = at + 4 + blobs
end
local is_pending, done, blobs = {}, {}, {}
for n, number in ipairs(numbers) do is_pending[n] = call('HEXISTS', PENDING, number) == 1 end
for n, chunk in ipairs(chunks) do
    if is_pending[n] then
        for blob = chunk.first, chunk.last do
            blobs[#blobs + 1] = chunk.ends ~= '' and chunk.ends or '+inf'
            blobs[#blobs + 1] = ARGV[blob]
        end
        if chunk.codes > 0 then tally('available', tonumber(chunk.ends), chunk.codes) end
        done[#done + 1] = numbers[n]
    end
end
each('ZADD', SHELF, blobs)
each('HDEL', PENDING, done)
if ARGV[4] ~= '' then call('HDEL', PENDING, 'i' .. ARGV[4]) end
write()

local total = 0
local states = call('HMGET', POOL, 'available', 'reserved', 'assigned', 'redeemed', 'expired', 'void')
for n = 1, 6 do total = total + tonumber(states[n] or 0) end
local entries, others = tonumber(call('HGET', POOL, 'entries') or 0), 0
for _, count in pairs(call('HMGET', POOL, 'answers', 'void')) do others = others + tonumber(count or 0) end
local wanted = math.floor(total / tonumber(ARGV[5]))
-- An empty space may have any size at once.
if entries == 0 and others == 0 and wanted > buckets then
    buckets = wanted
    call('HSET', POOL, 'buckets', buckets)
end
local answer = { 'OK', total, entries, buckets }
for n in ipairs(numbers) do answer[n + 4] = is_pending[n] and '1' or '0' end
return answer
