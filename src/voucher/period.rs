//! Periods of the calendar, in UTC.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::PeriodLimit;
use crate::error::{Error, ErrorKind, Result};

/// A period that begins and ends with the clock or the calendar in UTC; a week begins on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

impl Period {
    /// All periods.
    pub const ALL: [Period; 4] = [Period::Hour, Period::Day, Period::Week, Period::Month];

    /// The name that files and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Period::Hour => "hour",
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }

    /// When the period began in which a moment lies.
    ///
    /// # Examples
    /// ```
    /// use tearoff::voucher::Period;
    /// let start = Period::Week.start("2026-11-28T09:30:00Z".parse().unwrap());
    /// assert_eq!(start.to_string(), "2026-11-23T00:00:00Z");
    /// ```
    pub fn start(self, moment: Timestamp) -> Timestamp {
        let utc = moment.to_zoned(TimeZone::UTC).datetime();
        let start = match self {
            Period::Hour => utc.date().at(utc.hour(), 0, 0, 0),
            Period::Day => midnight(utc),
            Period::Week => {
                let days = utc.weekday().since(Weekday::Monday);
                midnight(utc).saturating_sub(i64::from(days).days())
            }
            Period::Month => midnight(utc.first_of_month()),
        };
        start.to_zoned(TimeZone::UTC).map_or(moment, |start| start.timestamp())
    }
}

fn midnight(moment: DateTime) -> DateTime {
    moment.date().at(0, 0, 0, 0)
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(text: &str) -> Result<Period> {
        Period::ALL.into_iter().find(|period| period.as_str() == text).ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidInput, "not a period");
            error.with_help("write hour, day, week or month")
        })
    }
}

impl FromStr for PeriodLimit {
    type Err = Error;

    /// Reads `10000/day`.
    fn from_str(text: &str) -> Result<PeriodLimit> {
        let read = || {
            let (vouchers, period) = text.split_once('/')?;
            let vouchers = vouchers.parse().ok().filter(|vouchers| *vouchers > 0)?;
            Some(PeriodLimit { vouchers, period: period.parse().ok()? })
        };
        read().ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidInput, format!("'{text}' is no limit for a period"));
            error.with_help("write a number and hour, day, week or month, such as 10000/day")
        })
    }
}

impl fmt::Display for PeriodLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vouchers, self.period.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_with_the_clock_and_the_calendar() {
        let moment: Timestamp = "2026-03-01T09:30:15.5Z".parse().unwrap();
        let starts = Period::ALL.map(|period| period.start(moment).to_string());
        assert_eq!(
            starts,
            ["2026-03-01T09:00:00Z", "2026-03-01T00:00:00Z", "2026-02-23T00:00:00Z", "2026-03-01T00:00:00Z"]
        );
        for period in Period::ALL {
            assert_eq!(period.start(period.start(moment)), period.start(moment), "{period:?}");
        }
    }

    #[test]
    fn a_limit_for_a_period_is_a_number_and_a_period() {
        for text in ["10000/day", "1/hour", "5/week", "7/month"] {
            assert_eq!(text.parse::<PeriodLimit>().unwrap().to_string(), text);
        }
        for text in ["", "10", "10/", "0/day", "-1/day", "10/days", "10 /day", "x/day"] {
            assert!(text.parse::<PeriodLimit>().is_err(), "{text}");
        }
    }
}
