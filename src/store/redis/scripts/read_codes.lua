-- Reads buckets of the registry whole.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be.
-- Returns {'OK', how many buckets, the texts of each bucket}, or {'RESIZED', how many buckets}.

local buckets = call('HGET', KEYS[1], 'codes_buckets') or '1'
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end
local answer = { 'OK', buckets }
for n = 2, #KEYS do answer[n + 1] = read(KEYS[n]) end
return answer
