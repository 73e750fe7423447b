
-- What the scripts share that watch how much of the stock is left.

-- The smallest threshold that the stock has fallen to, if any, how many vouchers are left, the threshold that was told last, and who
-- was told.
local function stock()
    local said = call('HMGET', POOL, 'low_stock', 'available', 'reserved', 'expires_at', 'low_told')
    local is_over = said[4] and tonumber(said[4]) <= now
    local left, threshold = tonumber(said[3] or 0) + (is_over and 0 or tonumber(said[2] or 0)), nil
    for number in string.gmatch(said[1] or '', '%d+') do
        if left <= tonumber(number) then threshold = tonumber(number) end
    end
    local told, mark = string.match(said[5] or '', '^(%d+) ?(.*)$')
    return threshold, left, tonumber(told or nil), mark
end

-- A threshold that the stock is above again can be told again.
local function rearm()
    local threshold, _, told = stock()
    if not told or (threshold and threshold <= told) then return end
    if threshold then call('HSET', POOL, 'low_told', threshold) else call('HDEL', POOL, 'low_told') end
end
