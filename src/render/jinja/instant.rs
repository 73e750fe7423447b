//! A moment in time, as `now()` gives it: much like Python's `datetime`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};

use super::args::{Args, Entry, invalid};
use super::dates::{moment, zone};

/// A moment in a time zone. Prints as ISO 8601, compares by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instant(pub(crate) Zoned);

const METHODS: &[Entry] = &[
    ("strftime", &["self", "format"], |_, args| Ok(Value::from(this(args)?.strftime(args.text("format").as_str())?))),
    ("isoformat", &["self"], |_, args| Ok(Value::from(this(args)?.iso()))),
    ("timestamp", &["self"], |_, args| Ok(Value::from(this(args)?.timestamp()))),
    ("weekday", &["self"], |_, args| Ok(Value::from(this(args)?.0.weekday().to_monday_zero_offset()))),
    ("isoweekday", &["self"], |_, args| Ok(Value::from(this(args)?.0.weekday().to_monday_one_offset()))),
    ("date", &["self"], |_, args| Ok(Value::from(this(args)?.0.date().to_string()))),
    ("time", &["self"], |_, args| Ok(Value::from(this(args)?.0.time().to_string()))),
    ("astimezone", &["self", "tz"], |_, args| {
        let zone = zone(args, "tz")?.unwrap_or(TimeZone::UTC);
        Ok(Value::from_object(Instant(this(args)?.0.with_time_zone(zone))))
    }),
    ("shift", &["self", "years", "months", "weeks", "days", "hours", "minutes", "seconds"], shift),
    ("replace", &["self", "year", "month", "day", "hour", "minute", "second"], replace),
    ("days_until", &["self", "other"], |_, args| {
        let other = moment(args.value("other"))?.with_time_zone(this(args)?.0.time_zone().clone());
        Ok(Value::from((other.date() - this(args)?.0.date()).get_days()))
    }),
];

/// The moment that a method was called on: methods get it as their first argument.
fn this(args: &Args) -> Result<&Instant, Error> {
    args.value("self").downcast_object_ref().ok_or_else(|| Error::from(ErrorKind::UnknownMethod))
}

fn out_of_range(error: jiff::Error) -> Error {
    invalid("the date is out of range").with_source(error)
}

/// `now().shift(days=7)`: values cannot be added with `+`, so this stands for Python's `timedelta`.
fn shift(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let by = |name: &str| args.integer(name).map(Option::unwrap_or_default);
    let span = Span::new;
    // One after the other: a span has one sign for all its parts.
    let parts = [
        span().try_years(by("years")?),
        span().try_months(by("months")?),
        span().try_weeks(by("weeks")?),
        span().try_days(by("days")?),
        span().try_hours(by("hours")?),
        span().try_minutes(by("minutes")?),
        span().try_seconds(by("seconds")?),
    ];
    let start = this(args)?.0.clone();
    let moved = parts.into_iter().try_fold(start, |at, part| at.checked_add(part?)).map_err(out_of_range)?;
    Ok(Value::from_object(Instant(moved)))
}

fn replace(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let now = &this(args)?.0;
    let part = |name: &str, current: i16| -> Result<i16, Error> {
        let given = args.integer(name)?.unwrap_or(i64::from(current));
        i16::try_from(given).map_err(|_| invalid(format!("`{name}` is out of range")))
    };
    let small = |name: &str, current: i8| -> Result<i8, Error> {
        i8::try_from(part(name, i16::from(current))?).map_err(|_| invalid(format!("`{name}` is out of range")))
    };
    let changed = now
        .with()
        .year(part("year", now.year())?)
        .month(small("month", now.month())?)
        .day(small("day", now.day())?)
        .hour(small("hour", now.hour())?)
        .minute(small("minute", now.minute())?)
        .second(small("second", now.second())?);
    Ok(Value::from_object(Instant(changed.build().map_err(out_of_range)?)))
}

impl Instant {
    /// Writes the moment by a pattern of `strftime`.
    pub(super) fn strftime(&self, pattern: &str) -> Result<String, Error> {
        strtime::format(pattern, &self.0)
            .map_err(|error| invalid(format!("'{pattern}' is not a strftime pattern")).with_source(error))
    }

    fn iso(&self) -> String {
        let local = self.0.datetime();
        format!("{local}{}", self.0.strftime("%:z"))
    }

    fn timestamp(&self) -> f64 {
        self.0.timestamp().as_duration().as_secs_f64()
    }
}

impl Object for Instant {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let moment = &self.0;
        Some(match key.as_str()? {
            "year" => Value::from(moment.year()),
            "month" => Value::from(moment.month()),
            "day" => Value::from(moment.day()),
            "hour" => Value::from(moment.hour()),
            "minute" => Value::from(moment.minute()),
            "second" => Value::from(moment.second()),
            "microsecond" => Value::from(moment.subsec_nanosecond() / 1000),
            "tzinfo" => {
                Value::from(moment.time_zone().iana_name().map_or_else(|| moment.offset().to_string(), str::to_owned))
            }
            _ => return None,
        })
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let entry = METHODS.iter().find(|(name, _, _)| *name == method);
        let (_, params, body) = entry.ok_or_else(|| Error::from(ErrorKind::UnknownMethod))?;
        let this = Value::from_dyn_object(Arc::clone(self));
        let given: Vec<Value> = [this].into_iter().chain(args.iter().cloned()).collect();
        body(state, &Args::bind(params, &given)?)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.timestamp().cmp(&other.downcast_ref::<Instant>()?.0.timestamp()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}
