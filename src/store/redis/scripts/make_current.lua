
-- Makes vouchers what their customers have for good.
--
-- KEYS 15-: buckets of bindings and of codes. ARGV 4-: for each voucher the places of the buckets of its customer, of its binding
--      and of its code; the start of the code's hash, the start of the fields among which the binding is, the customer's own field,
--      the code, and the customer.
-- Returns {'OK', for each '1', or '0' with nothing done if the binding is not where the caller saw it}.

for n = FIRST_KEY, #KEYS do call('HLEN', KEYS[n]) end

-- Bits 3 and 4 of a record's second byte say how widely its code is used.
local OF_CAMPAIGN, OF_CUSTOMER = 16, 24

local function width_of(record) return string.byte(record, 2) % 32 - string.byte(record, 2) % 8 end

-- What was current once stays wide: other messages than its own may have shown it.
local function widened(record)
    local mark = string.byte(record, 2)
    return string.sub(record, 1, 1) .. string.char(mark - width_of(record) + OF_CUSTOMER) .. string.sub(record, 3)
end

-- Whether a voucher is its customer's, live and unused, and not for a campaign alone.
local function is_held_by(customer, record)
    local binding = read(record)
    return not has(binding, TEST + VIA + REDEEMED) and not is_over(binding) and width_of(record) ~= OF_CAMPAIGN
        and customer_of(record, binding) == customer
end

-- Of what was taken at the same moment, the code decides, so that it does not change when one asks again.
local function is_later(binding, one)
    return binding.taken > one.taken or (binding.taken == one.taken and binding.code > one.code)
end

-- Whether what the customer has now stays, because it was taken later.
local function stays(one, reservation, current)
    if reservation then return is_later(read(string.sub(reservation, 15)), one) end
    if not current then return false end
    local binding = read(current)
    return not is_over(binding) and is_later(binding, one)
end

-- What stood under the customer's field itself stays theirs, under one that its code and its time make.
local function move_to_past(one, record)
    local binding = read(record)
    local name = binding.kind == VOUCHER and binding.code or binding.code .. '\n' .. int(binding.taken)
    call('HSET', one.home, string.sub(one.own, 1, 4) .. hash(name, 8), record)
end

-- Brings the record into its customer's bucket, in place of its pointer; an alias stays where it was. Returns its field.
local function bring_home(one)
    local near = string.sub(one.own, 1, 4) .. string.sub(one.field, 5)
    call('HSET', one.home, near, widened(one.record))
    if not one.is_home then
        call('HSET', one.bucket, one.field, compose_alias(near))
        call('HSET', one.code_bucket, one.hash, string.sub(one.own, 1, 4))
    end
    return near
end

local function make_current(one)
    local reservation, bound = call('HGET', RESERVED, one.own), call('HGET', one.home, one.own)
    local target = is_alias(bound) and target_of(bound)
    local current = bound
    if target then current = behind(bound, one.home) end
    local is_current = one.field == one.own or (one.is_home and one.field == target)
    if is_current or stays(one, reservation, current) then return end
    if reservation then
        give_back(reservation)
        call('HDEL', RESERVED, one.own)
    end
    if bound and not target then move_to_past(one, bound) end
    if not target then add(tallies, 'entries', 1) end
    call('HSET', one.home, one.own, compose_alias(bring_home(one)))
end

local letters = {}
for at = FIRST_ARGUMENT, #ARGV, 8 do
    local one = {
        home = KEYS[tonumber(ARGV[at])], bucket = KEYS[tonumber(ARGV[at + 1])], code_bucket = KEYS[tonumber(ARGV[at + 2])],
        hash = ARGV[at + 3], own = ARGV[at + 5], code = ARGV[at + 6],
    }
    local is_there = call('HGET', one.code_bucket, one.hash) == ARGV[at + 4]
    letters[#letters + 1] = is_there and '1' or '0'
    if is_there then
        one.field, one.record = assigned_record(one.bucket, ARGV[at + 4], one.code)
        if one.field and is_held_by(ARGV[at + 7], one.record) then
            one.taken, one.is_home = read(one.record).taken, string.sub(one.field, 1, 4) == string.sub(one.own, 1, 4)
            make_current(one)
        end
    end
end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'entries', 0)
write()
return { 'OK', table.concat(letters) }
