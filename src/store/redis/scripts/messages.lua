-- Looks up, binds or retires message ids in a shard of the registry.
--
-- KEYS 1: the shard. 2-: buckets of messages.
-- ARGV 1: in how many buckets the caller believes the messages to be. 2: 'look', 'bind' (where nothing stands yet), 'put'
--      (whatever stands there) or 'drop' (if just this stands there). 3-: for each message, the place of its bucket, its
--      field, and what is to stand there ('' to look).
-- Returns {'OK', how many messages the shard knows, for each message what stood there before, or ''}, or {'RESIZED', n}.

local call = redis.call
local buckets = call('HGET', KEYS[1], 'messages_buckets') or '1'
if buckets ~= ARGV[1] then return { 'RESIZED', buckets } end

local before = {}
local is_empty = (call('HGET', KEYS[1], 'messages') or '0') == '0'
for at = 3, #ARGV, 3 do
    before[#before + 1] = not is_empty and call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1]) or ''
end

local added = 0
for n, known in ipairs(before) do
    local at = 3 * n
    local bucket, field, value = KEYS[tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2]
    if ARGV[2] == 'drop' then
        if known == value then added = added - call('HDEL', bucket, field) end
    elseif ARGV[2] == 'put' then
        added = added + call('HSET', bucket, field, value)
    elseif ARGV[2] == 'bind' and known == '' then
        if call('HSETNX', bucket, field, value) == 1 then
            added = added + 1
        else
            -- The same id stands twice in the call.
            before[n] = call('HGET', bucket, field)
        end
    end
end
local answer = { 'OK', 0 }
if ARGV[2] == 'look' then
    answer[2] = call('HGET', KEYS[1], 'messages') or '0'
else
    -- Even where nothing changes something is written: only then does WAIT speak of it.
    call('HINCRBY', KEYS[1], 'calls', 1)
    answer[2] = call('HINCRBY', KEYS[1], 'messages', added)
end
for n, known in ipairs(before) do answer[n + 2] = known end
return answer
