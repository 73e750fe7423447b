//! How people write spans and moments of time: in a campaign file, on the command line, in a column of an import.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::{Error, ErrorKind, Result};

/// The longest span, so that a moment plus a span is always a moment: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Reads a span such as `30d`, `12h`, `45m` or `90s`; a day has 24 hours.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] where the text is none, or is nothing, or more than a hundred years.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let invalid = |problem: &str| {
        let error = Error::new(ErrorKind::InvalidInput, format!("'{text}' {problem}"));
        error.with_help("write a whole number and a unit: 30d, 12h, 45m or 90s")
    };
    let unit = match text.chars().last() {
        Some('d') => 24 * 60 * 60,
        Some('h') => 60 * 60,
        Some('m') => 60,
        Some('s') => 1,
        _ => return Err(invalid("is not a span of time")),
    };
    let count = &text[..text.len() - 1];
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("is not a span of time"));
    }
    let span = count.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).map(Duration::from_secs);
    match span {
        Some(Duration::ZERO) => Err(invalid("is no time at all")),
        Some(span) if span <= LONGEST => Ok(span),
        _ => Err(invalid("is more than a hundred years")),
    }
}

/// A span as [`parse_duration`] reads it, in the largest unit that fits.
pub fn span_text(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let (unit, letter) = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, 's'));
    format!("{}{letter}", seconds / unit)
}

/// Reads a moment in RFC 3339, such as `2027-06-30T18:00:00+02:00`, or a date. What is valid until a date is valid all that
/// day: `2027-06-30` is its last second in UTC, which also prints as that date.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] where the text is neither. The message does not repeat it.
pub fn parse_timestamp(text: &str) -> Result<Timestamp> {
    let moment = match text.len() {
        10 => text.parse().ok().and_then(end_of_day),
        _ => text.parse().ok(),
    };
    moment.ok_or_else(|| {
        let error = Error::new(ErrorKind::InvalidInput, "not a moment in time");
        error.with_help("write a date such as 2027-06-30, or a time with its offset such as 2027-06-30T18:00:00Z")
    })
}

fn end_of_day(date: Date) -> Option<Timestamp> {
    date.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let seconds = |text| parse_duration(text).unwrap().as_secs();
        assert_eq!(seconds("30d"), 30 * 86_400);
        assert_eq!(seconds("12h"), 43_200);
        assert_eq!(seconds("45m"), 2_700);
        assert_eq!(seconds("90s"), 90);
        assert_eq!(seconds("36500d"), 36_500 * 86_400);
    }

    #[test]
    fn spans_print_as_they_are_written() {
        for text in ["30d", "36h", "45m", "90s"] {
            assert_eq!(span_text(parse_duration(text).unwrap()), text);
        }
    }

    #[test]
    fn no_spans() {
        for text in ["", "d", "30", "30 d", "+3d", "-3d", "1.5h", "3w", "0s", "36601d", "99999999999999999999d", "3é"]
        {
            let error = parse_duration(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(error.help().unwrap().contains("30d"));
        }
    }

    #[test]
    fn a_date_lasts_until_its_end() {
        let moment = |text| parse_timestamp(text).unwrap().to_string();
        assert_eq!(moment("2027-06-30"), "2027-06-30T23:59:59Z");
        assert_eq!(moment("2028-02-29"), "2028-02-29T23:59:59Z");
        assert_eq!(moment("2027-06-30T18:00:00+02:00"), "2027-06-30T16:00:00Z");
        assert_eq!(moment("2027-06-30T23:59:59.5Z"), "2027-06-30T23:59:59.5Z");
    }

    #[test]
    fn no_moments() {
        for text in
            ["", "soon", "30.06.2027", "2027-02-30", "2027-06-30T18:00:00", "2027-06-3", "2027/06/30", "aaaaaaaaé"]
        {
            let error = parse_timestamp(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
    }
}
