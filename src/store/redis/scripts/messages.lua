-- Looks up, binds or retires message ids in shards of the registry: in all of them at once, or in one where a Cluster keeps them apart.
--
-- KEYS: the shards, then buckets of messages.
-- ARGV 1: 'look', 'bind' (where nothing stands yet), 'put' (whatever stands there) or 'drop' (if just this stands there, bound
--      by one call only). 2: how many shards. For each shard, in how many buckets the caller believes its messages to be; then
--      for each message, the place of its shard and that of its bucket, its field, and what is to stand there ('' to look).
-- Returns {'OK', for each shard how many messages it knows, for each message what stood there before, or ''}, or {'RESIZED',
--      for each shard how many buckets it has}.

local call = redis.call
local deed, shard_count = ARGV[1], tonumber(ARGV[2])

local buckets, counts, is_resized = {}, {}, false
for n = 1, shard_count do
    local shard = call('HMGET', KEYS[n], 'messages_buckets', 'messages')
    buckets[n], counts[n] = shard[1] or '1', shard[2] or '0'
    is_resized = is_resized or buckets[n] ~= ARGV[2 + n]
end
if is_resized then return { 'RESIZED', unpack(buckets) } end

-- Stands before what one call only has bound. What a second one counts on, the first must not take back.
local ALONE = '*'

local PARTS, FIRST = 4, 3 + shard_count
local message_count = (#ARGV - 2 - shard_count) / PARTS

-- A message's shard, bucket and field, and what is to stand there.
local function message(n)
    local at = FIRST + PARTS * (n - 1)
    return tonumber(ARGV[at]), KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2], ARGV[at + 3]
end

local before, is_alone = {}, {}

local function look(n)
    local _, bucket, field = message(n)
    local known = call('HGET', bucket, field) or ''
    is_alone[n] = string.sub(known, 1, 1) == ALONE
    before[n] = is_alone[n] and string.sub(known, 2) or known
end

for n = 1, message_count do
    -- Where all messages name their customers, the shard is empty.
    if counts[message(n)] == '0' then before[n], is_alone[n] = '', false else look(n) end
end

local added = {}
local function add(shard, by) added[shard] = (added[shard] or 0) + by end

for n, known in ipairs(before) do
    local shard, bucket, field, value = message(n)
    if deed == 'drop' then
        if is_alone[n] and known == value then add(shard, -call('HDEL', bucket, field)) end
    elseif deed == 'put' then
        add(shard, call('HSET', bucket, field, value))
    elseif deed == 'bind' then
        if known == '' and call('HSETNX', bucket, field, ALONE .. value) == 1 then
            add(shard, 1)
        else
            -- The same id may stand twice in the call.
            if known == '' then look(n) end
            if is_alone[n] and before[n] == value then call('HSET', bucket, field, value) end
        end
    end
end
if deed ~= 'look' then
    for n = 1, shard_count do
        -- Even where nothing changes something is written: only then does WAIT speak of it.
        call('HINCRBY', KEYS[n], 'calls', 1)
        counts[n] = call('HINCRBY', KEYS[n], 'messages', added[n] or 0)
    end
end
local answer = { 'OK', unpack(counts) }
for n, known in ipairs(before) do answer[1 + shard_count + n] = known end
return answer
