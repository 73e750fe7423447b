-- Looks up, binds or retires message ids in a shard of the registry.
--
-- KEYS 1: the shard. 2-: buckets of messages.
-- ARGV 1: in how many buckets the caller believes the messages to be. 2: 'look', 'bind' (where nothing stands yet), 'put'
--      (whatever stands there) or 'drop' (if just this stands there, bound by one call only). 3-: for each message, the
--      place of its bucket, its field, and what is to stand there ('' to look).
-- Returns {'OK', how many messages the shard knows, for each message what stood there before, or ''}, or {'RESIZED', n}.

local call = redis.call
local shard = call('HMGET', KEYS[1], 'messages_buckets', 'messages')
local buckets, count = shard[1] or '1', shard[2] or '0'
if buckets ~= ARGV[1] then return { 'RESIZED', buckets } end

-- Stands before what one call only has bound. What a second one counts on, the first must not take back.
local ALONE = '*'

local before, is_alone = {}, {}

local function look(n)
    local known = call('HGET', KEYS[tonumber(ARGV[3 * n])], ARGV[3 * n + 1]) or ''
    is_alone[n] = string.sub(known, 1, 1) == ALONE
    before[n] = is_alone[n] and string.sub(known, 2) or known
end

-- Where all messages name their customers, the shard is empty.
local is_empty = count == '0'
for n = 1, (#ARGV - 2) / 3 do
    if is_empty then before[n], is_alone[n] = '', false else look(n) end
end

local added = 0
for n, known in ipairs(before) do
    local bucket, field, value = KEYS[tonumber(ARGV[3 * n])], ARGV[3 * n + 1], ARGV[3 * n + 2]
    if ARGV[2] == 'drop' then
        if is_alone[n] and known == value then added = added - call('HDEL', bucket, field) end
    elseif ARGV[2] == 'put' then
        added = added + call('HSET', bucket, field, value)
    elseif ARGV[2] == 'bind' then
        if known == '' and call('HSETNX', bucket, field, ALONE .. value) == 1 then
            added = added + 1
        else
            -- The same id may stand twice in the call.
            if known == '' then look(n) end
            if is_alone[n] and before[n] == value then call('HSET', bucket, field, value) end
        end
    end
end
local answer = { 'OK', count }
if ARGV[2] ~= 'look' then
    -- Even where nothing changes something is written: only then does WAIT speak of it.
    call('HINCRBY', KEYS[1], 'calls', 1)
    answer[2] = call('HINCRBY', KEYS[1], 'messages', added)
end
for n, known in ipairs(before) do answer[n + 2] = known end
return answer
