-- Takes the codes of chunks out of buckets of the registry.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV: ranges of chunk numbers: the first and the last of each.
-- Returns {'OK', how many buckets there are}.

local function is_meant(mark)
    local chunk = 0
    for n = 1, #mark do chunk = chunk * 31 + string.byte(mark, n) - 1 end
    for n = 1, #ARGV, 2 do
        if chunk >= tonumber(ARGV[n]) and chunk <= tonumber(ARGV[n + 1]) then return true end
    end
    return false
end

-- What stands in place of a code with a mark: nothing, or itself.
local rests = setmetatable({}, {
    __index = function(rests, mark)
        rests[mark] = is_meant(mark) and '' or false
        return rests[mark]
    end,
})

local buckets, count = call('HGET', KEYS[1], 'codes_buckets') or '1', 0
for n = 2, #KEYS do
    local text = table.concat(read(KEYS[n]))
    local kept, before = string.gsub(text, '%C+(%c+)', rests)
    if #kept < #text then
        call('UNLINK', KEYS[n])
        if kept ~= '' then call('RPUSH', KEYS[n], kept) end
        count = count + before - select(2, string.gsub(kept, '%c+', '%0'))
    end
end
if count > 0 then
    call('HINCRBY', KEYS[1], 'codes', -count)
    call('HINCRBY', KEYS[1], 'codes_version', count)
end
return { 'OK', buckets }
