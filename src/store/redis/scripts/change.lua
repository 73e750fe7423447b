
-- What the scripts share that change vouchers named by their codes.
--
-- KEYS 15: the names in the journal. 16-: buckets of codes and of bindings.

-- What stands before the entry of the journal where an event has used a voucher, and before the mark of the call where its use
-- was taken back. Other answers are a letter alone.
local USED, TAKEN_BACK = 'R', 'B'

for n = FIRST_KEY + 1, #KEYS do call('HLEN', KEYS[n]) end

-- What is bound to a code: its bucket, its field, its record and the parts of it; `false` if nothing is. One table for all who ask
-- in one call.
local bound = {}

local function bound_to(code, place, start)
    if bound[code] == nil then
        bound[code] = false
        if place > 0 then
            local field, record = assigned_record(KEYS[place], start, code)
            if field then bound[code] = { bucket = KEYS[place], field = field, record = record, parts = read(record) } end
        end
    end
    return bound[code]
end

-- Whether the buckets of codes say where bindings are as the caller saw it: nothing else may be read.
local function are_where_seen(asked)
    for _, one in ipairs(asked) do
        if (call('HGET', KEYS[one.code_place], one.hash) or '') ~= one.start then return false end
    end
    return true
end

-- Writes a record anew, and what its customer's bucket says of it.
local function rewrite(one, record, customer_place)
    one.record, one.parts = record, read(record)
    call('HSET', one.bucket, one.field, record)
    local customer = customer_of(record, one.parts)
    local anchor = hash(customer, 4)
    if customer ~= '' and anchor ~= string.sub(one.field, 1, 4) then
        local pointer = compose_pointer(one.parts.flags, one.parts.ends, one.field, customer)
        call('HSET', KEYS[customer_place], anchor .. string.sub(one.field, 5), pointer)
    end
end

-- The record of a voucher as it stands when it was used at that moment, or, without one, when it was not used.
local function with_use(one, at)
    local code_at = has(one.parts, ENDS) and 18 or 12
    local flags = one.parts.flags - bit.band(one.parts.flags, REDEEMED) + (at and REDEEMED or 0)
    return string.char(flags) .. string.sub(one.record, 2, code_at - 1) .. (at and struct.pack('>I6', at) or '')
        .. string.sub(one.record, code_at + (has(one.parts, REDEEMED) and 6 or 0))
end
