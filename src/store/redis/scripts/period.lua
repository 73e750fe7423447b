
-- Periods of the calendar, in UTC.

local DAY = 24 * HOUR

-- Which day of its month a day is, both counted from 0 and the first of January 1970.
local function day_of_month(day)
    local year, lengths = 1970, { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    local function is_leap() return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end
    while day >= (is_leap() and 366 or 365) do
        day, year = day - (is_leap() and 366 or 365), year + 1
    end
    if is_leap() then lengths[2] = 29 end
    for _, length in ipairs(lengths) do
        if day < length then return day end
        day = day - length
    end
end

-- When the period began in which a moment lies. A week begins on Monday, and that day was a Thursday.
local function start_of(period, moment)
    if period == 'hour' then return moment - moment % HOUR end
    local day = math.floor(moment / DAY)
    if period == 'week' then
        day = day - (day + 3) % 7
    elseif period == 'month' then
        day = day - day_of_month(day)
    end
    return day * DAY
end

-- How many vouchers count that were taken in the present period.
local function given_in_period(period)
    local hours, given = {}, 0
    for hour = start_of(period, now) / HOUR, math.floor(now / HOUR) do hours[#hours + 1] = 'h' .. hour end
    for _, count in ipairs(values(LIMITS, hours)) do given = given + tonumber(count or 0) end
    return given
end
