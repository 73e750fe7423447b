-- What every script of a pool begins with.
--
-- KEYS 1-14: the fixed keys of the pool, in the order of the names below; the script's own keys follow.
-- ARGV 1: how many milliseconds the store's clock runs ahead of the server's. 2: in how many buckets the caller believes the
-- bindings to be, or 0 if it names none. 3: a random number below 2^31. The script's own arguments follow.
--
-- Answers on its own, having changed nothing that matters: {'UNKNOWN'} without such a pool, {'RESIZED', n} if there are n
-- buckets, {'AGAIN'} if there is more to tidy up than one call may do.
--
-- Everything that a script reads, it reads before it writes: a key of another type shows while nothing is changed.

local POOL, SHELF, TRAY, RESERVED, LEASES, DUE, GROUPS, LIMITS, CAMPAIGNS, RETIRED, TESTS, METADATA, PENDING, JOURNAL =
    unpack(KEYS, 1, 14)
local FIRST_KEY, FIRST_ARGUMENT = 15, 4
local call = redis.call

-- How many reservations and tallies one call tidies up at most.
local PORTION = 1000
-- How long the journal goes back, in milliseconds.
local JOURNAL_TIME = 90 * 24 * 3600 * 1000

-- Bits of a record's first byte.
local KIND, VOUCHER, FALLBACK, CHOICE, POINTER = 3, 0, 1, 2, 3
local TEST, ENDS, VIA, REDEEMED, VOID = 4, 8, 16, 32, 64

-- Stands in the buckets of codes where others have the start of a binding's field: the code was ended while nobody had it.
local UNBOUND_VOID = 'v'

local header = call('HMGET', POOL, 'number', 'buckets', 'deleting', 'clock')
if not header[1] or header[3] then return { 'UNKNOWN' } end
local buckets = header[2] or '1'
if ARGV[2] ~= '0' and ARGV[2] ~= buckets then return { 'RESIZED', buckets } end
buckets = tonumber(buckets)

local time = call('TIME')
-- A clock that jumps back would count twice what is over already.
local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1], tonumber(header[4] or 0))
math.randomseed(tonumber(ARGV[3]))

for _, key in ipairs({ SHELF, TRAY, LEASES, DUE }) do call('ZCARD', key) end
for _, key in ipairs({ RESERVED, GROUPS, LIMITS, CAMPAIGNS, METADATA, PENDING }) do call('HLEN', key) end
call('SCARD', TESTS)
call('XLEN', JOURNAL)
local any_retired = call('HLEN', RETIRED) > 0

local function int(number) return string.format('%.0f', number) end

-- Calls a variadic command with as many of `items` at a time as Lua can unpack.
local function each(command, key, items)
    for first = 1, #items, 4000 do
        call(command, key, unpack(items, first, math.min(first + 3999, #items)))
    end
end

-- What a hash holds under any number of fields: `false` where there is nothing.
local function values(key, fields)
    local found = {}
    for first = 1, #fields, 4000 do
        local some = call('HMGET', key, unpack(fields, first, math.min(first + 3999, #fields)))
        for n, value in ipairs(some) do found[first + n - 1] = value end
    end
    return found
end

-- Tallies: summed up here, written once by `write`. Those of a group end together: by what they count, then by their end.
local tallies, groups, limits = {}, {}, {}

local function add(sums, name, by) sums[name] = (sums[name] or 0) + by end

local function group(name, ends, by)
    groups[name] = groups[name] or {}
    add(groups[name], ends, by)
end

-- `by` more vouchers are in `state`, which becomes 'expired' when `ends` is past.
local function tally(state, ends, by)
    if ends and ends <= now then
        add(tallies, 'expired', by)
    else
        add(tallies, state, by)
        if ends then group(state, ends, by) end
    end
end

-- `by` more live bindings of a campaign (0 for none) count for the pool's limits, until `ends`.
local function limit(campaign, ends, by)
    if ends and ends <= now then return end
    add(limits, 0, by)
    if campaign > 0 then add(limits, campaign, by) end
    if ends then group('limit' .. campaign, ends, by) end
end

-- Codes that go back to the stock: returned here, written once by `write`.
local returned = {}

local function put_back(code, ends)
    returned[#returned + 1] = ends and int(ends) or '+inf'
    returned[#returned + 1] = string.char(math.random(33, 126), math.random(33, 126)) .. code
end

local function write_group(name, ends, by)
    if call('HINCRBY', GROUPS, name, by) == 0 then
        call('HDEL', GROUPS, name)
        call('ZREM', DUE, name)
    else
        call('ZADD', DUE, int(ends), name)
    end
end

local function write()
    each('ZADD', TRAY, returned)
    for name, by in pairs(tallies) do if by ~= 0 then call('HINCRBY', POOL, name, by) end end
    for campaign, by in pairs(limits) do if by ~= 0 then call('HINCRBY', LIMITS, campaign, by) end end
    for name, sums in pairs(groups) do
        for ends, by in pairs(sums) do
            if by ~= 0 then write_group(name .. ':' .. int(ends), ends, by) end
        end
    end
    returned, tallies, groups, limits = {}, {}, {}, {}
end

-- Writes an entry of the journal: what happened to which codes (one in each line; none where they are only counted), then names
-- of further fields with their values. Returns the entry's id.
local function journal(change, codes, ...)
    local oldest, id = int(now - JOURNAL_TIME), '*'
    -- Where the store's clock is turned, the journal goes by it, unless it was turned back.
    if ARGV[1] ~= '0' then
        id = redis.pcall('XADD', JOURNAL, 'MINID', '~', oldest, int(now) .. '-*', change, codes, ...)
        if type(id) == 'string' then return id end
    end
    return call('XADD', JOURNAL, 'MINID', '~', oldest, '*', change, codes, ...)
end

-- When the messages were retired whose hashes (16 bytes each) stand in `hashes`: `false` for each that is not, nothing at all
-- where none is.
local function retired_among(hashes)
    if not any_retired then return {} end
    local all = {}
    for n = 1, #hashes / 16 do all[n] = string.sub(hashes, 16 * n - 15, 16 * n) end
    return values(RETIRED, all)
end

-- The most campaigns that a pool can tell apart: a record has three bytes for their number.
local MOST_CAMPAIGNS = 2 ^ 24 - 1

-- The numbers of the `count` campaigns whose ids stand from ARGV `first` on, 0 behind place 0, and what is to be written of
-- those that the pool meets for the first time. Nothing if there are too many.
local function number_campaigns(count, first)
    local numbers, new = { [0] = 0 }, {}
    if count == 0 then return numbers, new end
    local last = call('HLEN', CAMPAIGNS)
    for n, known in ipairs(call('HMGET', CAMPAIGNS, unpack(ARGV, first, first + count - 1))) do
        if not known then
            last = last + 1
            known = last
            new[#new + 1] = ARGV[first + n - 1]
            new[#new + 1] = last
        end
        numbers[n] = tonumber(known)
    end
    if last > MOST_CAMPAIGNS then return nil end
    return numbers, new
end

-- The parts of a record: see record.rs.
local function read(record)
    local flags = string.byte(record, 1)
    local binding = { flags = flags, kind = bit.band(flags, KIND), campaign = struct.unpack('>I3', record, 9) }
    local at = 12
    if bit.band(flags, ENDS) ~= 0 then
        binding.ends = struct.unpack('>I6', record, at)
        at = at + 6
    end
    if bit.band(flags, REDEEMED) ~= 0 then at = at + 6 end
    local stop = string.find(record, '\n', at, true)
    binding.code = string.match(string.sub(record, at, stop - 1), '^[^\t]*')
    binding.tail = stop + 1
    return binding
end

local function has(binding, bits) return bit.band(binding.flags, bits) ~= 0 end

local function customer_of(record, binding) return string.match(record, '^[^\n]*', binding.tail) end

-- A pointer stands in the bucket of a customer whose binding lies with a message id that does not name them.
local function read_pointer(pointer)
    local flags = string.byte(pointer, 1)
    local ends = bit.band(flags, ENDS) ~= 0 and struct.unpack('>I6', pointer, 6) or nil
    return { flags = flags, ends = ends, customer = string.sub(pointer, ends and 12 or 6) }
end

local function compose_pointer(flags, ends, field, customer)
    return string.char(flags - bit.band(flags, KIND + ENDS) + POINTER + (ends and ENDS or 0)) .. string.sub(field, 1, 4)
        .. (ends and struct.pack('>I6', ends) or '') .. customer
end

-- The first bytes of a text's SHA-1.
local function hash(text, bytes)
    return (string.gsub(string.sub(redis.sha1hex(text), 1, 2 * bytes), '%x%x', function(pair)
        return string.char(tonumber(pair, 16))
    end))
end

-- Whether a binding has ended: by hand, or because its time is over and it was not redeemed.
local function is_over(binding)
    return has(binding, VOID) or (binding.ends and binding.ends <= now and not has(binding, REDEEMED))
end

local function counts_for_limits(binding) return not has(binding, TEST + VIA) end

-- A reservation is the lease, when the voucher itself ends (0 for never), and the record.
local function read_reservation(reservation)
    local own_end = struct.unpack('>I6', reservation, 9)
    return string.sub(reservation, 1, 8), own_end > 0 and own_end or nil, string.sub(reservation, 15)
end

-- Gives back what is only reserved. The caller removes the fields.
local function give_back(reservation)
    local _, own_end, record = read_reservation(reservation)
    local binding = read(record)
    if counts_for_limits(binding) then limit(binding.campaign, binding.ends, -1) end
    if binding.kind == VOUCHER then
        tally('reserved', binding.ends, -1)
        tally('available', own_end, 1)
        add(tallies, 'holding', -1)
        put_back(binding.code, own_end)
        return 1
    end
    return 0
end

-- What a lease has reserved stands under the lease, a field of 12 bytes after the other. A field that another lease has tagged
-- since, or that went back by hand, still stands there: the reservation has the say. So one may stand there twice, too.
local FIELD = 12

local function is_reservation(field) return #field == FIELD end

-- Ends at most `most` of what a lease has reserved, without the fields that are `done`; says how many it looked at, and
-- whether that was all.
local function end_holdings(lease, most, done)
    local held = call('HGET', RESERVED, lease) or ''
    local stop = math.min(#held, most * FIELD)
    local fields, dropped = {}, {}
    for at = 1, stop, FIELD do
        local field = string.sub(held, at, at + FIELD - 1)
        if not done[field] then
            done[field] = true
            fields[#fields + 1] = field
        end
    end
    for n, reservation in ipairs(values(RESERVED, fields)) do
        if reservation and string.sub(reservation, 1, 8) == lease then
            give_back(reservation)
            dropped[#dropped + 1] = fields[n]
        end
    end
    local is_all = stop == #held
    if is_all then
        dropped[#dropped + 1] = lease
    else
        call('HSET', RESERVED, lease, string.sub(held, stop + 1))
    end
    each('HDEL', RESERVED, dropped)
    return stop / FIELD, is_all
end

-- Moves the tallies of what is over by now.
local function age()
    local over = call('ZRANGEBYSCORE', DUE, '-inf', int(now), 'LIMIT', 0, PORTION)
    for _, name in ipairs(over) do
        local state = string.match(name, '^(.*):')
        local count = tonumber(call('HGET', GROUPS, name) or 0)
        local campaign = string.match(state, '^limit(%d+)$')
        if campaign then
            add(limits, 0, -count)
            if campaign ~= '0' then add(limits, tonumber(campaign), -count) end
        else
            add(tallies, state, -count)
            add(tallies, 'expired', count)
        end
    end
    each('HDEL', GROUPS, over)
    each('ZREM', DUE, over)
    if #over > 0 then call('HSET', POOL, 'clock', int(now)) end
    return #over < PORTION
end

-- Gives back what ran-out leases hold.
local function sweep()
    local left = PORTION
    while left > 0 do
        local lease = call('ZRANGEBYSCORE', LEASES, '-inf', int(now), 'LIMIT', 0, 1)[1]
        if not lease then return true end
        local ended, is_all = end_holdings(lease, left, {})
        if is_all then call('ZREM', LEASES, lease) end
        left = left - math.max(ended, 1)
    end
    return false
end

local is_tidy = age() and sweep()
write()
if not is_tidy then return { 'AGAIN' } end
