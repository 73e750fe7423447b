
-- Ends codes by hand that nobody has: takes them out of the stock, if they lie there as the caller saw them.
--
-- KEYS 15-: buckets of codes. ARGV 4: '1' to leave alone what has expired. 5-: for each lot of the stock, a blob or a single code:
--      'shelf' or 'tray', the member there, and how many of its codes are meant; for each of these the place of its bucket, the
--      start of its hash, and the code.
-- Returns {'OK', for each code '1' if it is ended now, or '0'}. The rest of a blob lies on the tray then.

for n = FIRST_KEY, #KEYS do call('HLEN', KEYS[n]) end
local pool_end = tonumber(call('HGET', POOL, 'expires_at') or nil)
local ended, codes, taken, letters = {}, {}, { [SHELF] = {}, [TRAY] = {} }, {}

local function is_meant_to_end(ends)
    return ends and (ARGV[4] ~= '1' or (ends > now and not (pool_end and pool_end <= now)))
end

-- Takes a lot: what of it is not meant goes back.
local function take(key, member, ends, meant)
    local own_end = ends < math.huge and ends or nil
    taken[key][#taken[key] + 1] = member
    for code in string.gmatch(string.sub(member, key == SHELF and 10 or 3), '[^\n]+') do
        if meant[code] then
            tally('available', own_end, -1)
            add(tallies, 'void', 1)
            codes[#codes + 1], ended[#ended + 1] = code, meant[code]
        else
            put_back(code, own_end)
        end
    end
end

local at = FIRST_ARGUMENT + 1
while at <= #ARGV do
    local key, member, last = ARGV[at] == 'shelf' and SHELF or TRAY, ARGV[at + 1], at + 2 + 3 * ARGV[at + 2]
    local ends, meant = tonumber(call('ZSCORE', key, member) or nil), {}
    local is_taken = is_meant_to_end(ends)
    for n = at + 3, last, 3 do
        local bucket, hash = KEYS[tonumber(ARGV[n])], ARGV[n + 1]
        meant[ARGV[n + 2]] = { bucket, hash, UNBOUND_VOID }
        -- What is ended already, this very call has ended: its answer was lost.
        letters[#letters + 1] = (is_taken or call('HGET', bucket, hash) == UNBOUND_VOID) and '1' or '0'
    end
    if is_taken then take(key, member, ends, meant) end
    at = last + 1
end

each('ZREM', SHELF, taken[SHELF])
each('ZREM', TRAY, taken[TRAY])
for _, mark in ipairs(ended) do call('HSET', unpack(mark)) end
if #codes > 0 then journal('voided', table.concat(codes, '\n')) end
-- A call that changes nothing else still writes: only then does WAIT speak of it.
call('HINCRBY', POOL, 'void', 0)
write()
return { 'OK', table.concat(letters) }
