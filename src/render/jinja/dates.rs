//! Filters that write dates.

use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use minijinja::{Error, State, Value};

use super::args::{Args, Entry, invalid};
use super::instant::Instant;

pub(super) const FILTERS: &[Entry] = &[
    ("datetimeformat", &["value", "format", "tz"], |state, args| written(state, args, &DATETIME)),
    ("dateformat", &["value", "format", "tz"], |state, args| written(state, args, &DATE)),
    ("timeformat", &["value", "format", "tz"], |state, args| written(state, args, &TIME)),
    ("format_datetime", &["value", "format", "zone", "locale"], |state, args| written(state, args, &BABEL_DATETIME)),
    ("format_date", &["value", "format", "locale", "zone"], |state, args| written(state, args, &BABEL_DATE)),
    ("format_time", &["value", "format", "zone", "locale"], |state, args| written(state, args, &BABEL_TIME)),
    ("from_timestamp", &["value", "format", "tz"], from_timestamp),
    ("to_timestamp", &["value"], |_, args| Ok(Value::from(moment(args.value("value"))?.timestamp().as_second()))),
];

/// What the names short, medium, long and full stand for, and where a template may set its own default.
struct Style {
    default: Option<&'static str>,
    names: [&'static str; 4],
}

const DATETIME: Style = Style {
    default: Some("DATETIME_FORMAT"),
    names: ["%Y-%m-%d %H:%M", "%b %-d %Y %H:%M", "%B %-d %Y %H:%M:%S", "%A, %B %-d %Y %H:%M:%S.%f"],
};
const DATE: Style =
    Style { default: Some("DATE_FORMAT"), names: ["%Y-%m-%d", "%b %-d %Y", "%B %-d %Y", "%A, %B %-d %Y"] };
const TIME: Style = Style { default: Some("TIME_FORMAT"), names: ["%H:%M", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f"] };
const BABEL_DATETIME: Style = Style {
    default: None,
    names: [
        "%-m/%-d/%y, %-I:%M %p",
        "%b %-d, %Y, %-I:%M:%S %p",
        "%B %-d, %Y, %-I:%M:%S %p %Z",
        "%A, %B %-d, %Y, %-I:%M:%S %p %Z",
    ],
};
const BABEL_DATE: Style = Style { default: None, names: ["%-m/%-d/%y", "%b %-d, %Y", "%B %-d, %Y", "%A, %B %-d, %Y"] };
const BABEL_TIME: Style =
    Style { default: None, names: ["%-I:%M %p", "%-I:%M:%S %p", "%-I:%M:%S %p %Z", "%-I:%M:%S %p %Z"] };

/// Letters of a Babel pattern and their `strftime` forms.
const LETTERS: &[(&str, &str)] = &[
    ("yyyy", "%Y"),
    ("y", "%Y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("dd", "%d"),
    ("d", "%-d"),
    ("EEEE", "%A"),
    ("EEE", "%a"),
    ("E", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("a", "%p"),
    ("z", "%Z"),
    ("Z", "%z"),
];

/// The moment that a value stands for: what `now()` gives, seconds since 1970, or a text in ISO 8601, in UTC unless it says otherwise.
pub(super) fn moment(value: &Value) -> Result<Zoned, Error> {
    local_or_absolute(value, &TimeZone::UTC)
}

fn local_or_absolute(value: &Value, zone: &TimeZone) -> Result<Zoned, Error> {
    if let Some(instant) = value.downcast_object_ref::<Instant>() {
        return Ok(instant.0.clone());
    }
    if let Some(text) = value.as_str() {
        return parsed(text.trim(), zone)
            .map_err(|error| invalid("not a date; write it as 2026-11-20 or 2026-11-20T10:30:00").with_source(error));
    }
    let seconds = f64::try_from(value.clone())
        .map_err(|_| invalid(format!("a date or a number of seconds is needed, not {}", value.kind())))?;
    let duration =
        std::time::Duration::try_from_secs_f64(seconds.abs()).map_err(|_| invalid("the date is out of range"))?;
    let epoch = Timestamp::UNIX_EPOCH;
    let moment = if seconds < 0.0 { epoch.checked_sub(duration) } else { epoch.checked_add(duration) };
    moment.map(|at| at.to_zoned(TimeZone::UTC)).map_err(|error| invalid("the date is out of range").with_source(error))
}

fn parsed(text: &str, zone: &TimeZone) -> Result<Zoned, jiff::Error> {
    let pieces = Pieces::parse(text)?;
    let local = DateTime::from_parts(pieces.date(), pieces.time().unwrap_or(Time::midnight()));
    let named = pieces.to_time_zone()?;
    match pieces.to_numeric_offset() {
        Some(offset) => {
            let fixed = |offset: Offset| if offset == Offset::UTC { TimeZone::UTC } else { TimeZone::fixed(offset) };
            Ok(offset.to_timestamp(local)?.to_zoned(named.unwrap_or_else(|| fixed(offset))))
        }
        None => local.to_zoned(named.unwrap_or_else(|| zone.clone())),
    }
}

/// The time zone that an argument names.
pub(super) fn zone(args: &Args, name: &str) -> Result<Option<TimeZone>, Error> {
    args.given(name).map(|_| known_zone(args.text(name).as_str())).transpose()
}

fn known_zone(name: &str) -> Result<TimeZone, Error> {
    TimeZone::get(name).map_err(|_| invalid(format!("unknown time zone '{name}'; write one such as Europe/Prague")))
}

/// Nothing gives nothing: a customer without that date sees an empty place, as with any other attribute.
fn written(state: &mut State<'_, '_>, args: &Args, style: &Style) -> Result<Value, Error> {
    let Some(value) = args.given("value") else { return Ok(Value::from("")) };
    let of_template = state.lookup("TIMEZONE").filter(|zone| zone.as_str().is_some_and(|zone| zone != "original"));
    let zone = match zone(args, "tz")?.or(zone(args, "zone")?) {
        None => of_template.and_then(|zone| zone.as_str().map(known_zone)).transpose()?,
        given => given,
    };
    let has_time = value.as_str().is_none_or(|text| text.trim().len() > "2026-11-20".len());
    let moment = local_or_absolute(value, zone.as_ref().unwrap_or(&TimeZone::UTC))?;
    let moment = zone.filter(|_| has_time).map_or_else(|| moment.clone(), |zone| moment.with_time_zone(zone));
    let default = style.default.and_then(|name| state.lookup(name)).filter(|format| format.as_str().is_some());
    let format = args.given("format").cloned().or(default).unwrap_or_else(|| Value::from("medium"));
    let pattern = pattern(format.as_str().unwrap_or("medium"), style);
    understood(args, &pattern)?;
    Ok(Value::from(Instant(moment).strftime(&pattern)?))
}

fn pattern(format: &str, style: &Style) -> String {
    let [short, medium, long, full] = style.names;
    match format {
        "short" => short.into(),
        "medium" => medium.into(),
        "long" => long.into(),
        "full" => full.into(),
        "iso" => "%Y-%m-%dT%H:%M:%S%:z".into(),
        "unix" => "%s".into(),
        other if other.contains('%') || style.default.is_some() => other.into(),
        other => from_babel(other),
    }
}

/// Turns a pattern such as `EEEE, d. MMMM yyyy` or `HH 'Uhr'` into one of `strftime`.
fn from_babel(format: &str) -> String {
    let mut pattern = String::new();
    for (index, part) in format.split('\'').enumerate() {
        if index % 2 == 1 {
            pattern.push_str(part);
            continue;
        }
        let chars: Vec<char> = part.chars().collect();
        for run in chars.chunk_by(|a, b| a == b) {
            let run: String = run.iter().collect();
            let known = LETTERS.iter().find(|(letters, _)| *letters == run);
            pattern.push_str(known.map_or(run.as_str(), |(_, directive)| directive));
        }
    }
    pattern
}

/// Names of months and days are English; another language may ask for numbers only.
fn understood(args: &Args, pattern: &str) -> Result<(), Error> {
    let locale = args.text("locale");
    let is_english = locale.as_str().is_empty() || locale.as_str().starts_with("en");
    let has_names = ["%A", "%a", "%B", "%b", "%p"].iter().any(|name| pattern.contains(name));
    if !is_english && has_names {
        return Err(invalid(format!(
            "names of months and days are English only; for locale '{}' write numbers, such as `dd.MM.yyyy`",
            locale.as_str()
        )));
    }
    Ok(())
}

/// Seconds since 1970 as a moment, or written at once where a pattern is given.
fn from_timestamp(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let Some(value) = args.given("value") else { return Ok(Value::UNDEFINED) };
    let text = value.as_str().map(|text| text.trim().parse::<f64>());
    let seconds = match text {
        Some(parsed) => Value::from(parsed.map_err(|_| invalid("from_timestamp needs a number of seconds"))?),
        None => value.clone(),
    };
    let moment = moment(&seconds)?;
    let instant = Instant(zone(args, "tz")?.map_or_else(|| moment.clone(), |zone| moment.with_time_zone(zone)));
    match args.given("format") {
        Some(_) => Ok(Value::from(instant.strftime(args.text("format").as_str())?)),
        None => Ok(Value::from_object(instant)),
    }
}
