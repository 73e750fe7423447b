
-- Reads a pool's header, and what a preview may know of the voucher that comes next.
--
-- ARGV 4: '1' to look at that voucher. 5-: the names of the header's fields.
-- Returns {'OK', now in ms, the values of the fields, when the voucher ends ('inf' for never; '' if there is none), its
--      metadata or ''}.

local fields = call('HMGET', POOL, unpack(ARGV, FIRST_ARGUMENT + 1))

local function first_of(key)
    return call('ZRANGEBYSCORE', key, '(' .. int(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
end

local code, ends = nil, ''
if ARGV[FIRST_ARGUMENT] == '1' then
    local single, blob = first_of(TRAY), first_of(SHELF)
    if single[1] and not (blob[1] and tonumber(blob[2]) < tonumber(single[2])) then
        code, ends = string.sub(single[1], 3), single[2]
    elseif blob[1] then
        code, ends = string.match(blob[1], '\n([^\n]*)'), blob[2]
    end
end
return { 'OK', int(now), fields, ends, code and call('HGET', METADATA, code) or '' }
