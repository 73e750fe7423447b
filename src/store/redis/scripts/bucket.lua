-- What the scripts of the registry's buckets share. A bucket is a list of texts, one for each call that added something.
-- Each code in a text is followed by its mark, which is the number of its chunk, written in characters below 32, which no
-- code has (see bucket.rs).

local call = redis.call

local function read(key) return call('LRANGE', key, 0, -1) end

-- The mark of a code in a text, and where the code ends. Nothing if it is not there.
local function find_in(text, code)
    local first, last = string.find(text, code, 1, true)
    while first do
        -- It may be part of a longer one.
        local starts = first == 1 or string.byte(text, first - 1) < 32
        if starts and string.byte(text, last + 1) < 32 then return string.match(text, '^%c+', last + 1), last end
        first, last = string.find(text, code, first + 1, true)
    end
end

-- The mark of a code in a bucket, in which text it stands, and where the code ends there. Nothing if it is not there.
local function find(texts, code)
    for n = 1, #texts do
        local mark, last = find_in(texts[n], code)
        if mark then return mark, n, last end
    end
end

