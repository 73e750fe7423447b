//! When something happens again and again.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};

/// A cron expression of five fields: minute, hour, day of the month, month, day of the week.
///
/// ```
/// use tearoff::intake::Schedule;
///
/// let nightly: Schedule = "30 2 * * *".parse()?;
/// let next = nightly.after("2027-06-30T12:00:00Z".parse().unwrap(), &jiff::tz::TimeZone::UTC);
/// assert_eq!(next.map(|next| next.to_string()).as_deref(), Some("2027-07-01T02:30:00Z"));
/// assert!("0 0 30 2 *".parse::<Schedule>().is_err(), "it would never happen");
/// # Ok::<(), tearoff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Schedule {
    text: String,
    cron: Cron,
}

impl Schedule {
    /// The first time after `moment`, with the clocks of `zone`; `None` where that is thousands of years from now.
    pub fn after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&moment.to_zoned(zone.clone()), false);
        next.ok().map(|next| next.timestamp())
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Schedule> {
        let wrong = |problem: String| {
            Error::new(ErrorKind::InvalidInput, format!("the cron expression '{text}' {problem}"))
                .with_help("write minute, hour, day, month and day of the week: '30 2 * * *' is every night at 2:30")
        };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| wrong(format!("is none: {}", plain(&error))))?;
        let schedule = Schedule { text: text.to_owned(), cron };
        match schedule.after(Timestamp::now(), &TimeZone::UTC) {
            Some(_) => Ok(schedule),
            None => Err(wrong("never comes true".to_owned())),
        }
    }
}

/// The library's words without their full stop, which would stand before the remedy.
fn plain(error: &croner::errors::CronError) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Schedule> {
        text.parse()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(expression: &str, moment: &str, zone: &str) -> String {
        let schedule: Schedule = expression.parse().unwrap();
        schedule.after(moment.parse().unwrap(), &TimeZone::get(zone).unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_that_of_the_zones_clocks() {
        assert_eq!(after("0 6 * * *", "2027-01-10T05:30:00Z", "Europe/Prague"), "2027-01-11T05:00:00Z");
        assert_eq!(after("0 6 * * *", "2027-07-10T05:30:00Z", "Europe/Prague"), "2027-07-11T04:00:00Z");
        assert_eq!(after("*/15 * * * *", "2027-01-10T05:30:00Z", "UTC"), "2027-01-10T05:45:00Z");
        assert_eq!(after("0 0 29 2 *", "2027-01-10T05:30:00Z", "UTC"), "2028-02-29T00:00:00Z");
        assert_eq!(after("@daily", "2027-01-10T05:30:00Z", "UTC"), "2027-01-11T00:00:00Z");
    }

    #[test]
    fn what_is_none_or_never_comes_true_is_refused() {
        let error = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
        for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
            assert_eq!(error(never), format!("the cron expression '{never}' never comes true"));
        }
        for none in ["", "daily", "* * * *", "0 0 * * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *"] {
            assert!(error(none).starts_with(&format!("the cron expression '{none}' is none: ")), "{}", error(none));
        }
    }
}
