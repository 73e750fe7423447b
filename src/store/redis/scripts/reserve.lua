-- Answers a batch of claims on one pool, in order, and tags what is reserved with the caller's lease.
--
-- KEYS 15-: buckets of bindings.
-- ARGV 4: lease (8 bytes). 5: lease time in ms. 6: the pool that the template names, where this one is asked because that one
--      overflows into it; else ''. 7: 'first', 'again' (forget choices of an overflow pool that led to nothing) or 'last'
--      (the overflow chain has nothing: no choice any more), or 'matching' (only what is named at the end is taken). 8: '1' if choices that led to nothing were assigned already when
--      the caller met them. 9, 10: the fallback code of the chain and the pool it is from. 11: how many campaigns; their
--      ids; then all claims as one string, each as `CLAIM` says: the places among KEYS of its bucket and of its customer's, the
--      place of its campaign (0 for none), its field, the first two bytes of its record, and whose it is; then the hashes of
--      their messages (16 bytes each); then what matching claims may take, for each lot of the stock 'shelf' or 'tray', the member
--      there, and those of its codes, with line feeds between them.
-- Returns {'OK', the pool's number, its fallback code or '', how many codes have metadata, a letter for each claim, what is
--      bound to each or '', how many lots do not lie there any more}: a reservation for the letters r n N f, a record for a F. r/a reserved or assigned voucher or
--      fallback · n/N/f choice of an overflow pool, new, new while others hold vouchers here, or found reserved (F: assigned) ·
--      p paused · l/L limit reached, final or contended · e/E empty · x expired, where an overflow pool was asked · X retired
--      message · C conflict.

local CLAIM = '>I3I3I3c12c2I2c0'
-- What stands for a web layer in a record's second byte.
local WEB_LAYER = 4
local parse, sub = struct.unpack, string.sub

local lease, term, named, round = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local forgets_assigned = ARGV[8] == '1'
local fallback, fallback_from = ARGV[9], ARGV[10]
local campaign_count = tonumber(ARGV[11])

local settings = call('HMGET', POOL, 'paused', 'valid_for', 'expires_at', 'limit_customer', 'limit_campaign',
    'limit_total', 'fallback', 'overflow', 'holding', 'number', 'limit_in_period', 'floor')
local paused = settings[1] == '1'
local valid_for, pool_end = tonumber(settings[2] or nil), tonumber(settings[3] or nil)
local limit_customer, limit_campaign, limit_total =
    tonumber(settings[4] or nil), tonumber(settings[5] or nil), tonumber(settings[6] or nil)
local limit_in_period, period = string.match(settings[11] or '', '^(%d+)/(%a+)$')
limit_in_period = tonumber(limit_in_period or nil)
local has_limits = limit_customer or limit_campaign or limit_total or limit_in_period
local floor = tonumber(settings[12] or nil)
local overflow, holding_of_all = settings[8], tonumber(settings[9] or 0)

local campaign_numbers, new_campaigns = number_campaigns(campaign_count, 12)
if not campaign_numbers then return { 'CAMPAIGNS' } end

-- The parts of the n-th claim stand at place n of each of these: tables of its own for each claim take several times as long.
local claim_count, bucket_places, customer_places, campaigns, fields, heads, identities = 0, {}, {}, {}, {}, {}, {}
local packed, packed_at, campaign = ARGV[12 + campaign_count], 1, nil
while packed_at <= #packed do
    local n = claim_count + 1
    bucket_places[n], customer_places[n], campaign, fields[n], heads[n], identities[n], packed_at =
        parse(CLAIM, packed, packed_at)
    campaigns[n], claim_count = campaign_numbers[campaign], n
end

local reservations, bindings, aliases, retired = {}, {}, {}, {}
if claim_count > 0 then
    reservations = call('HMGET', RESERVED, unpack(fields))
    for n, reservation in ipairs(reservations) do
        local record = not reservation and call('HGET', KEYS[bucket_places[n]], fields[n])
        if record and is_alias(record) then
            aliases[n], record = record, behind(record, KEYS[customer_places[n]])
        end
        bindings[n] = record
    end
    retired = retired_among(ARGV[13 + campaign_count])
end

local function customer_of_claim(n) return string.match(identities[n], '^[^\n]*') end

-- What this call knows of a field, which an earlier claim of the call may have changed.
local reserved_now = {}
for n, field in ipairs(fields) do
    if reservations[n] then reserved_now[field] = reservations[n] end
end

-- Whether a binding is to be forgotten before its key is asked for. What an assigned choice leads to was assigned before it:
-- one that was not assigned yet when the caller met it has been settled meanwhile, and stays.
local function is_stale(binding, is_assigned)
    return is_over(binding)
        or (binding.kind == CHOICE and (round == 'again' or round == 'last') and (forgets_assigned or not is_assigned))
end

-- Gives stale reservations back, so that this call can hand their vouchers out again.
local function drop_stale_reservations()
    local dropped = {}
    for field, reservation in pairs(reserved_now) do
        if is_stale(read(string.sub(reservation, 15)), false) then
            holding_of_all = holding_of_all - give_back(reservation)
            dropped[#dropped + 1] = field
        end
    end
    each('HDEL', RESERVED, dropped)
    for _, field in ipairs(dropped) do reserved_now[field] = nil end
    if #dropped > 0 then write() end
end
drop_stale_reservations()

local held = call('HGET', RESERVED, lease) or ''

-- How many vouchers the lease held before this call.
local holding_of_own
local function count_own()
    if holding_of_own then return holding_of_own end
    local own, known = {}, {}
    for at = 1, #held, FIELD do
        local field = string.sub(held, at, at + FIELD - 1)
        if not known[field] then
            known[field] = true
            own[#own + 1] = field
        end
    end
    holding_of_own = 0
    for _, reservation in ipairs(values(RESERVED, own)) do
        if reservation and string.sub(reservation, 1, 8) == lease and string.byte(reservation, 15) % 4 == VOUCHER then
            holding_of_own = holding_of_own + 1
        end
    end
    return holding_of_own
end

-- The reservations that count for limits, in all and of other leases; read once, when a limit asks.
local standing

local function count_standing(reservation)
    local holder, _, record = read_reservation(reservation)
    local binding = read(record)
    if not counts_for_limits(binding) or is_over(binding) then return end
    local customer = customer_of(record, binding)
    add(standing.customers, customer, 1)
    if holder ~= lease then
        standing.others = standing.others + 1
        if limit_in_period and binding.taken >= start_of(period, now) then
            standing.others_in_period = standing.others_in_period + 1
        end
        add(standing.other_campaigns, binding.campaign, 1)
        add(standing.other_customers, customer, 1)
    end
end

local function reservations_for_limits()
    if standing then return standing end
    standing = { others = 0, others_in_period = 0, customers = {}, other_campaigns = {}, other_customers = {} }
    local entries = call('HGETALL', RESERVED)
    for n = 1, #entries, 2 do
        if is_reservation(entries[n]) then count_standing(reserved_now[entries[n]] or entries[n + 1]) end
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
local given_in_all, given_in_campaign = tonumber(has_limits and call('HGET', LIMITS, '0') or 0), {}
local given_in_this_period = limit_in_period and given_in_period(period)
local taken_by_customer, assigned_by_customer = {}, {}

local function given_in(campaign)
    if not given_in_campaign[campaign] then
        given_in_campaign[campaign] = tonumber(call('HGET', LIMITS, campaign) or 0)
    end
    return given_in_campaign[campaign]
end

local function given_to(customer, n)
    if not assigned_by_customer[customer] then
        assigned_by_customer[customer] = assigned_to(customer, KEYS[customer_places[n]])
            + (reservations_for_limits().customers[customer] or 0)
    end
    return assigned_by_customer[customer] + (taken_by_customer[customer] or 0)
end

-- 'l' where a limit is final, 'L' where others may still give back what counts for it.
local function reached(n)
    local customer, campaign = customer_of_claim(n), campaigns[n]
    local verdict
    local function judge(is_reached, others)
        if not is_reached then return end
        if others() == 0 then verdict = 'l' elseif not verdict then verdict = 'L' end
    end
    if limit_total then
        judge(given_in_all >= limit_total, function() return reservations_for_limits().others end)
    end
    if limit_in_period then
        judge(given_in_this_period >= limit_in_period, function() return reservations_for_limits().others_in_period end)
    end
    if limit_campaign and campaign > 0 then
        judge(given_in(campaign) >= limit_campaign,
            function() return reservations_for_limits().other_campaigns[campaign] or 0 end)
    end
    if limit_customer then
        judge(given_to(customer, n) >= limit_customer,
            function() return reservations_for_limits().other_customers[customer] or 0 end)
    end
    return verdict
end

local function count_for_limits(n)
    local campaign = campaigns[n]
    given_in_all = given_in_all + 1
    if limit_in_period then given_in_this_period = given_in_this_period + 1 end
    if campaign > 0 then given_in_campaign[campaign] = given_in(campaign) + 1 end
    add(taken_by_customer, customer_of_claim(n), 1)
end

-- The stock, in the order in which it is handed out: the earliest end first, single codes before whole blobs.
local tray, tray_at, tray_count, tray_read, is_tray_read = {}, 1, 0, 0, false
local blob, blob_at, blob_count, blob_end, blobs_read, are_blobs_read = {}, 1, 0, nil, 0, false
local used_tray, used_blobs = {}, {}
local after_now = '(' .. int(now)

local function refill_tray()
    tray = call('ZRANGEBYSCORE', TRAY, after_now, '+inf', 'WITHSCORES', 'LIMIT', tray_read, claim_count)
    tray_at, tray_count = 1, #tray
    tray_read = tray_read + tray_count / 2
    is_tray_read = tray_count < 2 * claim_count
end

local function open_blob()
    local found = call('ZRANGEBYSCORE', SHELF, after_now, '+inf', 'WITHSCORES', 'LIMIT', blobs_read, 1)
    blob, blob_at, blob_count, blob_end = {}, 1, 0, tonumber(found[2])
    are_blobs_read = not found[1]
    if are_blobs_read then return end
    blobs_read = blobs_read + 1
    for code in string.gmatch(sub(found[1], 10), '[^\n]+') do
        blob_count = blob_count + 1
        blob[blob_count] = code
    end
    blob.member = found[1]
end

local function draw()
    if pool_end and pool_end <= now then return nil end
    if tray_at > tray_count and not is_tray_read then refill_tray() end
    if blob_at > blob_count and not are_blobs_read then open_blob() end
    local tray_end = tray_at < tray_count and tonumber(tray[tray_at + 1])
    if tray_end and (not blob_end or tray_end <= blob_end) then
        local member = tray[tray_at]
        used_tray[#used_tray + 1] = member
        tray_at = tray_at + 2
        return sub(member, 3), tray_end < math.huge and tray_end or nil
    elseif blob_end then
        if blob_at == 1 then used_blobs[#used_blobs + 1] = blob.member end
        blob_at = blob_at + 1
        return blob[blob_at - 1], blob_end < math.huge and blob_end or nil
    end
end

-- What matching claims may take: what the caller has found in the stock, as long as it still lies there.
local lots, lot, lot_at, lots_gone = {}, nil, 14 + campaign_count, 0

local function open_lot()
    while lot_at <= #ARGV do
        local key, member = ARGV[lot_at] == 'shelf' and SHELF or TRAY, ARGV[lot_at + 1]
        local ends = tonumber(call('ZSCORE', key, member) or nil)
        local codes = string.gmatch(ARGV[lot_at + 2], '[^\n]+')
        lot_at = lot_at + 3
        if not ends then lots_gone = lots_gone + 1 end
        if ends and ends > now then
            return { key = key, member = member, ends = ends < math.huge and ends or nil, codes = codes, taken = {} }
        end
    end
end

local function draw_matching()
    if pool_end and pool_end <= now then return nil end
    while true do
        lot = lot or open_lot()
        local code = lot and lot.codes()
        if code then
            if not next(lot.taken) then lots[#lots + 1] = lot end
            lot.taken[code] = true
            return code, lot.ends
        elseif not lot then
            return nil
        end
        lot = nil
    end
end

-- Takes the lots away that were drawn from: the rest of a blob goes to the tray.
local function clear_lots()
    for _, lot in ipairs(lots) do
        local used = lot.key == SHELF and used_blobs or used_tray
        used[#used + 1] = lot.member
        for code in string.gmatch(sub(lot.member, lot.key == SHELF and 10 or 3), '[^\n]+') do
            if not lot.taken[code] then put_back(code, lot.ends) end
        end
    end
end

local function earlier(one, other)
    if not one or (other and other < one) then return other end
    return one
end

-- When at the latest a voucher ends that is taken now.
local latest_end = earlier(pool_end, valid_for and now + valid_for)

-- Reservations of a call mostly differ in their codes and customers only. A run is those that follow each other so: they begin
-- alike, and are tallied together.
local run, run_count = {}, 0

local function end_run()
    if run_count == 0 then return end
    if run.kind == VOUCHER then
        tally('available', run.own_end, -run_count)
        tally('reserved', run.ends, run_count)
        add(tallies, 'holding', run_count)
    end
    if counts_for_limits(run) then limit(run.campaign, run.ends, run_count, now) end
    run_count = 0
end

local function begin_run(head, kind, campaign, ends, own_end)
    end_run()
    local flags = string.byte(head, 1) + kind + (ends and ENDS or 0)
    run = { head = head, kind = kind, campaign = campaign, ends = ends, own_end = own_end, flags = flags }
    run.start = lease .. struct.pack('>I6', own_end or 0) .. string.char(flags) .. sub(head, 2)
        .. struct.pack('>I6I3', now, campaign) .. (ends and struct.pack('>I6', ends) or '')
end

-- What this call writes under fields, one behind the other, and the fields that its lease holds from now on.
local written, written_count, new_holdings, holdings_count = {}, 0, {}, 0
local moved, retagged = {}, 0

local function tag(field, reservation)
    reserved_now[field] = reservation
    written[written_count + 1], written[written_count + 2] = field, reservation
    written_count = written_count + 2
    holdings_count = holdings_count + 1
    new_holdings[holdings_count] = field
end

local function reserve(n, kind, ends, own_end, code)
    local head, campaign = heads[n], campaigns[n]
    if head ~= run.head or kind ~= run.kind or campaign ~= run.campaign or ends ~= run.ends or own_end ~= run.own_end then
        begin_run(head, kind, campaign, ends, own_end)
    end
    run_count = run_count + 1
    local reservation = run.start .. code .. '\n' .. identities[n]
    tag(fields[n], reservation)
    if has_limits and counts_for_limits(run) then count_for_limits(n) end
    return reservation
end

local function rivals() return holding_of_all - count_own() - retagged > 0 end

-- The letters of the choices that this call has made, by field: equal keys of one call are answered alike.
local chosen_now = {}

-- A paused pool is passed over: what others hold there is of no interest.
local function choose(n)
    local letter = not paused and rivals() and 'N' or 'n'
    chosen_now[fields[n]] = letter
    return letter, reserve(n, CHOICE, nil, nil, overflow)
end

-- How many vouchers are left for web layers to take, where that is limited.
local free = floor and tonumber(call('HGET', POOL, 'available') or 0) - floor

local function is_kept_back(n) return free <= 0 and string.byte(heads[n], 2) % 8 == WEB_LAYER end

local function take(n)
    local code, own_end
    if not (free and is_kept_back(n)) then
        if round == 'matching' then code, own_end = draw_matching() else code, own_end = draw() end
    end
    if code then
        if free then free = free - 1 end
        return 'r', reserve(n, VOUCHER, earlier(own_end, latest_end), own_end, named == '' and code or code .. '\t' .. named)
    end
    if round == 'matching' then return rivals() and 'E' or 'e' end
    if overflow and round ~= 'last' then return choose(n) end
    if named == '' then
        if round == 'last' and fallback ~= '' then
            local origin = fallback_from ~= '' and '\t' .. fallback_from or ''
            return 'r', reserve(n, FALLBACK, nil, nil, fallback .. origin)
        elseif round ~= 'last' and settings[7] then
            return 'r', reserve(n, FALLBACK, nil, nil, settings[7])
        end
    end
    return rivals() and 'E' or 'e'
end

-- Serves a reservation, which from now on goes with the caller's lease.
local function hold(field, reservation)
    local kind = string.byte(reservation, 15) % 4
    if string.sub(reservation, 1, 8) ~= lease then
        reservation = lease .. string.sub(reservation, 9)
        tag(field, reservation)
        if kind == VOUCHER then retagged = retagged + 1 end
        standing = nil
    end
    return kind == CHOICE and (chosen_now[field] or 'f') or 'r', reservation
end

-- Ends an alias whose voucher is stale or gone. One under the voucher's own key keeps the place free of which a pointer of the next
-- one has need.
local function retire_alias(n, record, binding)
    local home, field, target = KEYS[customer_places[n]], fields[n], target_of(aliases[n])
    moved[#moved + 1] = { 'HDEL', KEYS[bucket_places[n]], field }
    add(tallies, 'entries', -1)
    if record and sub(field, 1, 4) ~= sub(target, 1, 4) then
        moved[#moved + 1] = { 'HDEL', home, target }
        moved[#moved + 1] = { 'HSET', home, sub(target, 1, 4) .. hash(binding.code, 8), record }
    end
end

-- Ends an assigned binding that is stale: a voucher stays in its customer's history, a choice is forgotten.
local function retire(n, record, binding)
    if aliases[n] then return retire_alias(n, record, binding) end
    local bucket, customer_bucket, field = KEYS[bucket_places[n]], KEYS[customer_places[n]], fields[n]
    local customer = customer_of(record, binding)
    local anchor, customer_anchor = string.sub(field, 1, 4), hash(customer, 4)
    local has_pointer = customer_anchor ~= anchor
    moved[#moved + 1] = { 'HDEL', bucket, field }
    if has_pointer then moved[#moved + 1] = { 'HDEL', customer_bucket, customer_anchor .. string.sub(field, 5) } end
    if binding.kind == VOUCHER then
        local past = hash(binding.code, 8)
        moved[#moved + 1] = { 'HSET', bucket, anchor .. past, record }
        if has_pointer then
            local pointer = compose_pointer(binding.flags, binding.ends, field, customer)
            moved[#moved + 1] = { 'HSET', customer_bucket, customer_anchor .. past, pointer }
        end
    else
        add(tallies, 'entries', has_pointer and -2 or -1)
        if counts_for_limits(binding) then limit(binding.campaign, binding.ends, -1, binding.taken) end
    end
end

local forgotten = {}

-- A letter, and what is bound to the claim.
local function answer(n)
    if retired[n] then return 'X' end
    local field = fields[n]
    local reservation = reserved_now[field]
    if reservation then return hold(field, reservation) end
    local record = bindings[n]
    if aliases[n] and not record and not forgotten[field] then
        if sub(aliases[n], 2, 5) ~= hash(customer_of_claim(n), 4) then return 'C' end
        retire(n)
        forgotten[field] = true
    end
    if record and not forgotten[field] then
        local binding = read(record)
        if not is_stale(binding, true) then
            if customer_of(record, binding) ~= customer_of_claim(n) then return 'C' end
            return binding.kind == CHOICE and 'F' or 'a', record
        end
        retire(n, record, binding)
        forgotten[field] = true
        if named ~= '' and is_over(binding) then return 'x' end
    end
    if named == '' then
        if paused then return 'p' end
        local limit_reached = has_limits and reached(n)
        if limit_reached then return limit_reached end
    elseif paused then
        if overflow and round ~= 'last' then return choose(n) end
        return 'e'
    end
    return take(n)
end

local letters, bound = {}, {}
for n = 1, claim_count do
    local letter, binding = answer(n)
    letters[n], bound[n] = letter, binding or ''
end
end_run()

clear_lots()

-- The rest of an opened blob is handed out next.
if blob_at > 1 then
    for n = blob_at, blob_count do put_back(blob[n], blob_end < math.huge and blob_end or nil) end
end
-- This comes first and is long, so that a server that packs small hashes makes a table of this one at once: in a packed one it
-- would look for each field of the call from the start.
if holdings_count > 0 then call('HSET', RESERVED, lease, held .. table.concat(new_holdings)) end
each('HSET', RESERVED, written)
each('HSET', CAMPAIGNS, new_campaigns)
each('ZREM', SHELF, used_blobs)
each('ZREM', TRAY, used_tray)
for _, command in ipairs(moved) do call(unpack(command)) end
call('ZADD', LEASES, int(now + term), lease)
write()
return { 'OK', settings[10], not paused and settings[7] or '', call('HLEN', METADATA), table.concat(letters), bound, lots_gone }
