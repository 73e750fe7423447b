
-- Begins an import, and names what earlier ones left unfinished.
--
-- ARGV 4: the import's mark, new for each. What it writes later is void once it is closed, however late it arrives.
-- Returns {'OK', the pool's number, the chunks that are pending}.

-- How long an import may take between two steps, in ms.
local IMPORT_TIME = 3600 * 1000

local fields = call('HKEYS', PENDING)
local chunks, over = {}, {}
for _, field in ipairs(fields) do
    if string.sub(field, 1, 1) ~= 'i' then
        chunks[#chunks + 1] = field
    elseif tonumber(call('HGET', PENDING, field)) < now - IMPORT_TIME then
        over[#over + 1] = field
    end
end
each('HDEL', PENDING, over)
call('HSET', PENDING, 'i' .. ARGV[FIRST_ARGUMENT], int(now))
return { 'OK', header[1], chunks }
