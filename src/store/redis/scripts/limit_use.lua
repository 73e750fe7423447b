
-- Tells how many vouchers count for a pool's limits.
--
-- ARGV 4: a campaign, or ''.
-- Returns {'OK', of all, of the present period or 0 without such a limit, of the campaign}.

local period = string.match(call('HGET', POOL, 'limit_in_period') or '', '/(%a+)$')
local number = ARGV[4] ~= '' and call('HGET', CAMPAIGNS, ARGV[4])
return {
    'OK', call('HGET', LIMITS, '0') or '0', period and given_in_period(period) or 0,
    number and call('HGET', LIMITS, number) or '0',
}
