
-- Whom the journal names stands apart from its entries, where it can be forgotten: in a set by time, each the id of an entry,
-- and a line each for its customer, its message and its event.
--
-- KEYS 15: that set.

local NAMES = KEYS[FIRST_KEY]
call('ZCARD', NAMES)

local function name(id, customer, message, event)
    if customer == '' and message == '' and event == '' then return end
    call('ZREMRANGEBYSCORE', NAMES, '-inf', int(now - JOURNAL_TIME))
    call('ZADD', NAMES, string.match(id, '^%d+'), table.concat({ id, customer, message, event }, '\n'))
end
