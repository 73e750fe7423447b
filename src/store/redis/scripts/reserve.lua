
-- Answers a batch of claims on one pool, in order, and tags what is reserved with the caller's lease.
--
-- KEYS 16-: buckets of bindings.
-- ARGV 4: lease (8 bytes). 5: lease time in ms. 6: the pool that the template names, where this one is asked because that one
--      overflows into it; else ''. 7: 'first', 'again' (forget choices of an overflow pool that led to nothing) or 'last'
--      (the overflow chain has nothing: no choice any more). 8: '1' if choices that led to nothing were assigned already when
--      the caller met them. 9, 10: the fallback code of the chain and the pool it is from. 11: how many campaigns; their
--      ids; then for each claim: the place among KEYS of its bucket and of its customer's, its field, the message's hash,
--      the identity, the place of its campaign (0 for none).
-- Returns {'OK', the pool's number, its fallback code or '', how many codes have metadata, an answer for each claim}. It is
--      a letter and perhaps a record: r/a reserved or assigned voucher or fallback · n/N/f choice of an overflow pool, new,
--      new while others hold vouchers here, or found reserved (F: assigned) · p paused · l/L limit reached, final or contended · e/E empty · x expired, where an overflow pool was asked ·
--      X retired message · C conflict.

local lease, term, named, round = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local forgets_assigned = ARGV[8] == '1'
local fallback, fallback_from = ARGV[9], ARGV[10]
local campaign_count = tonumber(ARGV[11])
local first_claim = 12 + campaign_count
local CLAIM = 6
local claim_count = (#ARGV - first_claim + 1) / CLAIM

local settings = call('HMGET', POOL, 'paused', 'valid_for', 'expires_at', 'limit_customer', 'limit_campaign',
    'limit_total', 'fallback', 'overflow', 'holding', 'number')
local paused = settings[1] == '1'
local valid_for, pool_end = tonumber(settings[2] or nil), tonumber(settings[3] or nil)
local limit_customer, limit_campaign, limit_total =
    tonumber(settings[4] or nil), tonumber(settings[5] or nil), tonumber(settings[6] or nil)
local overflow, holding_of_all = settings[8], tonumber(settings[9] or 0)

local campaign_numbers, new_campaigns = number_campaigns(campaign_count, 12)
if not campaign_numbers then return { 'CAMPAIGNS' } end

local claims, fields, hashes = {}, {}, {}
for n = 1, claim_count do
    local at = first_claim + (n - 1) * CLAIM
    claims[n] = {
        bucket = KEYS[tonumber(ARGV[at])],
        customer_bucket = KEYS[tonumber(ARGV[at + 1])],
        field = ARGV[at + 2],
        identity = ARGV[at + 4],
        campaign = campaign_numbers[tonumber(ARGV[at + 5])],
    }
    fields[n], hashes[n] = ARGV[at + 2], ARGV[at + 3]
end

local reservations, bindings, retired = {}, {}, {}
if claim_count > 0 then
    reservations = call('HMGET', RESERVED, unpack(fields))
    for n, claim in ipairs(claims) do
        bindings[n] = not reservations[n] and call('HGET', claim.bucket, claim.field)
    end
    if any_retired then retired = call('HMGET', RETIRED, unpack(hashes)) end
end

-- What this call knows of a field, which an earlier claim of the call may have changed.
local reserved_now = {}
for n, field in ipairs(fields) do
    if reservations[n] then reserved_now[field] = reservations[n] end
end

-- Whether a binding is to be forgotten before its key is asked for. What an assigned choice leads to was assigned before it:
-- one that was not assigned yet when the caller met it has been settled meanwhile, and stays.
local function is_stale(binding, is_assigned)
    return is_over(binding)
        or (binding.kind == CHOICE and round ~= 'first' and (forgets_assigned or not is_assigned))
end

-- Gives stale reservations back, so that this call can hand their vouchers out again.
local function drop_stale_reservations()
    local dropped, holdings = {}, {}
    for field, reservation in pairs(reserved_now) do
        local holder, _, record = read_reservation(reservation)
        local binding = read(record)
        if is_stale(binding, false) then
            holding_of_all = holding_of_all - give_back(reservation)
            dropped[#dropped + 1] = field
            holdings[#holdings + 1] = holding(holder, binding, field)
        end
    end
    each('HDEL', RESERVED, dropped)
    each('ZREM', HELD, holdings)
    for _, field in ipairs(dropped) do reserved_now[field] = nil end
    if #dropped > 0 then write() end
end
drop_stale_reservations()

local holding_of_own = call('ZLEXCOUNT', HELD, '[' .. lease .. 'v', '[' .. lease .. 'v' .. string.rep('\255', 13))

-- The reservations that count for limits, in all and of other leases; read once, when a limit asks.
local standing
local function reservations_for_limits()
    if standing then return standing end
    standing = { others = 0, customers = {}, other_campaigns = {}, other_customers = {} }
    local entries = call('HGETALL', RESERVED)
    for n = 1, #entries, 2 do
        local holder, _, record = read_reservation(reserved_now[entries[n]] or entries[n + 1])
        local binding = read(record)
        if counts_for_limits(binding) and not is_over(binding) then
            local customer = customer_of(record, binding)
            add(standing.customers, customer, 1)
            if holder ~= lease then
                standing.others = standing.others + 1
                add(standing.other_campaigns, binding.campaign, 1)
                add(standing.other_customers, customer, 1)
            end
        end
    end
    return standing
end

-- How many assigned bindings of a customer count for the limit of one customer. All of them lie in one bucket, or have a
-- pointer there.
local function assigned_to(customer, bucket)
    local count, anchor = 0, hash(customer, 4)
    local entries = call('HGETALL', bucket)
    for n = 1, #entries, 2 do
        if string.sub(entries[n], 1, 4) == anchor then
            local entry = entries[n + 1]
            local binding, whose
            if bit.band(string.byte(entry, 1), KIND) == POINTER then
                binding = read_pointer(entry)
                whose = binding.customer
            else
                binding = read(entry)
                -- Of a binding that has a pointer, the pointer counts.
                whose = customer_of(entry, binding)
            end
            if whose == customer and counts_for_limits(binding) and not is_over(binding) then count = count + 1 end
        end
    end
    return count
end

-- The limits as they stood before this call, and what the call adds.
local given = call('HMGET', LIMITS, '0')
local given_in_all, given_in_campaign = tonumber(given[1] or 0), {}
local taken_by_customer, assigned_by_customer = {}, {}

local function given_in(campaign)
    if not given_in_campaign[campaign] then
        given_in_campaign[campaign] = tonumber(call('HGET', LIMITS, int(campaign)) or 0)
    end
    return given_in_campaign[campaign]
end

local function given_to(customer, claim)
    if not assigned_by_customer[customer] then
        assigned_by_customer[customer] = assigned_to(customer, claim.customer_bucket)
            + (reservations_for_limits().customers[customer] or 0)
    end
    return assigned_by_customer[customer] + (taken_by_customer[customer] or 0)
end

-- 'l' where a limit is final, 'L' where others may still give back what counts for it.
local function reached(claim)
    local customer = string.match(claim.identity, '^[^\n]*', 3)
    local verdict
    local function judge(is_reached, others)
        if not is_reached then return end
        if others() == 0 then verdict = 'l' elseif not verdict then verdict = 'L' end
    end
    if limit_total then
        judge(given_in_all >= limit_total, function() return reservations_for_limits().others end)
    end
    if limit_campaign and claim.campaign > 0 then
        judge(given_in(claim.campaign) >= limit_campaign,
            function() return reservations_for_limits().other_campaigns[claim.campaign] or 0 end)
    end
    if limit_customer then
        judge(given_to(customer, claim) >= limit_customer,
            function() return reservations_for_limits().other_customers[customer] or 0 end)
    end
    return verdict
end

local function count_for_limits(claim)
    local customer = string.match(claim.identity, '^[^\n]*', 3)
    given_in_all = given_in_all + 1
    if claim.campaign > 0 then given_in_campaign[claim.campaign] = given_in(claim.campaign) + 1 end
    add(taken_by_customer, customer, 1)
end

-- The stock, in the order in which it is handed out: the earliest end first, single codes before whole blobs.
local tray, tray_at, tray_read = {}, 1, 0
local blob, blob_at, blob_end, blobs_read = {}, 1, nil, 0
local used_tray, used_blobs = {}, {}
local after_now = '(' .. int(now)

local function refill()
    if tray_at > #tray and not tray.is_last then
        tray = call('ZRANGEBYSCORE', TRAY, after_now, '+inf', 'WITHSCORES', 'LIMIT', tray_read, claim_count)
        tray_read, tray_at = tray_read + #tray / 2, 1
        tray.is_last = #tray < 2 * claim_count
    end
    if blob_at > #blob and not blob.is_missing then
        local found = call('ZRANGEBYSCORE', SHELF, after_now, '+inf', 'WITHSCORES', 'LIMIT', blobs_read, 1)
        blob, blob_at, blob_end = { is_missing = not found[1] }, 1, nil
        if found[1] then
            blobs_read = blobs_read + 1
            blob_end = tonumber(found[2])
            for code in string.gmatch(string.sub(found[1], 10), '[^\n]+') do blob[#blob + 1] = code end
            blob.member = found[1]
        end
    end
end

local function draw()
    if pool_end and pool_end <= now then return nil end
    refill()
    local tray_end = tray[tray_at] and tonumber(tray[tray_at + 1])
    if tray_end and (not blob_end or tray_end <= blob_end) then
        local member = tray[tray_at]
        used_tray[#used_tray + 1] = member
        tray_at = tray_at + 2
        return string.sub(member, 3), tray_end < math.huge and tray_end or nil
    elseif blob_end then
        if blob_at == 1 then used_blobs[#used_blobs + 1] = blob.member end
        blob_at = blob_at + 1
        return blob[blob_at - 1], blob_end < math.huge and blob_end or nil
    end
end

local function earliest(...)
    local first
    for n = 1, select('#', ...) do
        local moment = select(n, ...)
        if moment and (not first or moment < first) then first = moment end
    end
    return first
end

local function compose(identity, kind, campaign, ends, code)
    return string.char(string.byte(identity, 1) + kind + (ends and ENDS or 0)) .. string.sub(identity, 2, 2)
        .. struct.pack('>I6I3', now, campaign) .. (ends and struct.pack('>I6', ends) or '') .. code .. '\n'
        .. string.sub(identity, 3)
end

local never = struct.pack('>I6', 0)
local new_reservations, new_holdings, old_holdings, moved = {}, {}, {}, {}
local retagged = 0

local function reserve(claim, kind, ends, own_end, code)
    local record = compose(claim.identity, kind, claim.campaign, ends, code)
    local reservation = lease .. (own_end and struct.pack('>I6', own_end) or never) .. record
    reserved_now[claim.field] = reservation
    new_reservations[#new_reservations + 1] = claim.field
    new_reservations[#new_reservations + 1] = reservation
    new_holdings[#new_holdings + 1] = '0'
    new_holdings[#new_holdings + 1] = lease .. (kind == VOUCHER and 'v' or 'o') .. claim.field
    local binding = { flags = string.byte(record, 1) }
    if counts_for_limits(binding) then limit(claim.campaign, ends, 1) end
    if bit.band(string.byte(claim.identity, 1), TEST + VIA) == 0 then count_for_limits(claim) end
    return record
end

local function rivals() return holding_of_all - holding_of_own - retagged > 0 end

-- The letters of the choices that this call has made, by field: equal keys of one call are answered alike.
local chosen_now = {}

-- A paused pool is passed over: what others hold there is of no interest.
local function choose(claim)
    local letter = not paused and rivals() and 'N' or 'n'
    chosen_now[claim.field] = letter
    return letter .. reserve(claim, CHOICE, nil, nil, overflow)
end

local function take(claim)
    local code, own_end = draw()
    if code then
        local ends = earliest(own_end, pool_end, valid_for and now + valid_for)
        tally('available', own_end, -1)
        tally('reserved', ends, 1)
        add(tallies, 'holding', 1)
        return 'r' .. reserve(claim, VOUCHER, ends, own_end, named == '' and code or code .. '\t' .. named)
    end
    if overflow and round ~= 'last' then return choose(claim) end
    if named == '' then
        if round == 'last' and fallback ~= '' then
            local origin = fallback_from ~= '' and '\t' .. fallback_from or ''
            return 'r' .. reserve(claim, FALLBACK, nil, nil, fallback .. origin)
        elseif round ~= 'last' and settings[7] then
            return 'r' .. reserve(claim, FALLBACK, nil, nil, settings[7])
        end
    end
    return rivals() and 'E' or 'e'
end

-- Serves a reservation, which from now on goes with the caller's lease.
local function hold(field, reservation)
    local holder, _, record = read_reservation(reservation)
    local binding = read(record)
    if holder ~= lease then
        reservation = lease .. string.sub(reservation, 9)
        reserved_now[field] = reservation
        new_reservations[#new_reservations + 1] = field
        new_reservations[#new_reservations + 1] = reservation
        old_holdings[#old_holdings + 1] = holding(holder, binding, field)
        new_holdings[#new_holdings + 1] = '0'
        new_holdings[#new_holdings + 1] = holding(lease, binding, field)
        if binding.kind == VOUCHER then retagged = retagged + 1 end
        standing = nil
    end
    return (binding.kind == CHOICE and (chosen_now[field] or 'f') or 'r') .. record
end

-- Ends an assigned binding that is stale: a voucher stays in its customer's history, a choice is forgotten.
local function retire(claim, record, binding)
    local customer = customer_of(record, binding)
    local anchor, customer_anchor = string.sub(claim.field, 1, 4), hash(customer, 4)
    local has_pointer = customer_anchor ~= anchor
    moved[#moved + 1] = { 'HDEL', claim.bucket, claim.field }
    if has_pointer then moved[#moved + 1] = { 'HDEL', claim.customer_bucket, customer_anchor .. string.sub(claim.field, 5) } end
    if binding.kind == VOUCHER then
        local past = hash(binding.code, 8)
        moved[#moved + 1] = { 'HSET', claim.bucket, anchor .. past, record }
        if has_pointer then
            local pointer = compose_pointer(binding.flags, binding.ends, claim.field, customer)
            moved[#moved + 1] = { 'HSET', claim.customer_bucket, customer_anchor .. past, pointer }
        end
    else
        add(tallies, 'entries', has_pointer and -2 or -1)
        if counts_for_limits(binding) then limit(binding.campaign, binding.ends, -1) end
    end
end

local forgotten = {}

local function answer(n, claim)
    if retired[n] then return 'X' end
    local reservation = reserved_now[claim.field]
    if reservation then return hold(claim.field, reservation) end
    local record = not forgotten[claim.field] and bindings[n]
    if record then
        local binding = read(record)
        if not is_stale(binding, true) then
            if customer_of(record, binding) ~= string.match(claim.identity, '^[^\n]*', 3) then return 'C' end
            return (binding.kind == CHOICE and 'F' or 'a') .. record
        end
        retire(claim, record, binding)
        forgotten[claim.field] = true
        if named ~= '' and is_over(binding) then return 'x' end
    end
    if named == '' then
        if paused then return 'p' end
        local limit_reached = reached(claim)
        if limit_reached then return limit_reached end
    elseif paused then
        if overflow and round ~= 'last' then return choose(claim) end
        return 'e'
    end
    return take(claim)
end

local answers = {}
for n, claim in ipairs(claims) do
    answers[n] = answer(n, claim)
end

-- The rest of an opened blob is handed out next.
if blob_at > 1 then
    for n = blob_at, #blob do
        returned[#returned + 1] = blob_end < math.huge and int(blob_end) or '+inf'
        returned[#returned + 1] = string.char(math.random(33, 126), math.random(33, 126)) .. blob[n]
    end
end
each('HSET', CAMPAIGNS, new_campaigns)
each('ZREM', SHELF, used_blobs)
each('ZREM', TRAY, used_tray)
each('HSET', RESERVED, new_reservations)
each('ZREM', HELD, old_holdings)
each('ZADD', HELD, new_holdings)
for _, command in ipairs(moved) do call(unpack(command)) end
call('ZADD', LEASES, int(now + term), lease)
write()
return { 'OK', settings[10], not paused and settings[7] or '', call('HLEN', METADATA), answers }
