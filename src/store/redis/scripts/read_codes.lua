-- Reads buckets of the registry whole.
--
-- KEYS 1: the shard. 2-: buckets of codes.
-- ARGV 1: in how many buckets the caller believes the codes to be.
-- Returns {'OK', how many buckets, how many edits there were, the texts of each bucket}, or {'RESIZED', how many buckets}.

local shard = call('HMGET', KEYS[1], 'codes_buckets', 'codes_edits')
local buckets = shard[1] or '1'
if ARGV[1] ~= buckets then return { 'RESIZED', buckets } end
local answer = { 'OK', buckets, shard[2] or '0' }
for n = 2, #KEYS do answer[n + 2] = read(KEYS[n]) end
return answer
