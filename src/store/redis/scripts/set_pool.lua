
-- Replaces a pool's settings.
--
-- ARGV 4-: names of settings and their values, '' for one that is not set.
-- Returns {'OK'}.

for n = FIRST_ARGUMENT, #ARGV, 2 do
    if ARGV[n + 1] == '' then
        call('HDEL', POOL, ARGV[n])
    else
        call('HSET', POOL, ARGV[n], ARGV[n + 1])
    end
end
return { 'OK' }
