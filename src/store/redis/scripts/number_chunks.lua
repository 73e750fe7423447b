-- Gives new chunks of codes their numbers.
--
-- KEYS 1: the chunks. 2: the numbers.
-- ARGV 1: the pool's name. 2: the import. 3-: when the codes of each chunk end, in ms, or ''.
-- Returns {'OK', the number of the last chunk}; the others have those before it.

local call = redis.call
call('HLEN', KEYS[1])
local count = #ARGV - 2
local last = call('HINCRBY', KEYS[2], 'chunk', count)
local entries = {}
for n = 1, count do
    entries[2 * n - 1] = string.format('%.0f', last - count + n)
    entries[2 * n] = ARGV[1] .. '\n' .. ARGV[n + 2] .. '\n' .. ARGV[2]
end
call('HSET', KEYS[1], unpack(entries))
return { 'OK', last }
