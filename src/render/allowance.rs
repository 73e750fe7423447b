//! How many bytes of text and values a render may handle, beside what it prints, and how long it may take.
//!
//! Instructions do not tell how much one of them does: one `~` doubles a text, one filter reads megabytes. What templates join,
//! repeat, filter, capture and print is counted here before it is made.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Expression, Value};

/// The filter that what is joined passes through.
pub(super) const JOINED_FILTER: &str = "__joined";
/// The filter that multiplies.
pub(super) const TIMES_FILTER: &str = "__times";
/// The filter that what is compared passes through.
pub(super) const READ_FILTER: &str = "__read";
/// The filter that counts literal text.
pub(super) const LITERAL_FILTER: &str = "__literal";
/// The filter that looks at the clock, and gives what it gets.
pub(super) const TICK_FILTER: &str = "__tick";
/// The words by which the error is known.
const SPENT: &str =
    "the template makes or reads more text than the limit allows; simplify it, or raise limits.text_bytes";
const SLOW: &str = "the template takes longer than the limit allows; simplify it, or raise limits.seconds";
/// How often something is counted before the clock is looked at.
const TICKS: u32 = 16;
/// What one item of a list counts.
pub(super) const ITEM: usize = 32;
/// Reading is faster than making: so many bytes of a text that is compared count as one, and so much counts an item.
const READ: usize = 16;
/// Values nested deeper than this would exhaust the stack of whoever prints them.
const DEPTH: usize = 128;

thread_local! {
    /// What is left to the render of this thread. Outside of one, nothing is counted.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    static TIME: Cell<Option<Time>> = const { Cell::new(None) };
}

/// How long a render has taken so far. Once half of its time is over, the processor's time counts: a machine that stands still, or
/// has too much to do, costs no message.
#[derive(Clone, Copy)]
struct Time {
    began: Instant,
    half: Duration,
    /// How much of the processor's time this thread had when the first half was over.
    used: Option<Duration>,
    ticks: u32,
}

/// Runs something that may handle so many bytes and take so long. It must not panic.
pub(super) fn within<T>(bytes: usize, seconds: u64, run: impl FnOnce() -> T) -> T {
    let half = Duration::from_secs(seconds) / 2;
    let before = (LEFT.replace(bytes), TIME.replace(Some(Time { began: Instant::now(), half, used: None, ticks: 0 })));
    let result = run();
    LEFT.set(before.0);
    TIME.set(before.1);
    result
}

/// Counts bytes before they are made or read.
pub(super) fn spend(bytes: usize) -> Result<(), Error> {
    let left = LEFT.get().checked_sub(bytes);
    LEFT.set(left.unwrap_or(0));
    if left.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, SPENT));
    }
    tick()
}

/// Looks at the clock every now and then.
fn tick() -> Result<(), Error> {
    let Some(mut time) = TIME.get() else { return Ok(()) };
    time.ticks += 1;
    let is_over = time.ticks.is_multiple_of(TICKS) && time.is_over();
    TIME.set(Some(time));
    if is_over { Err(Error::new(ErrorKind::InvalidOperation, SLOW)) } else { Ok(()) }
}

impl Time {
    fn is_over(&mut self) -> bool {
        if self.began.elapsed() < self.half {
            return false;
        }
        let now = processor_time(self.began);
        now.saturating_sub(*self.used.get_or_insert(now)) >= self.half
    }
}

/// How much of the processor's time this thread has had.
#[cfg(target_os = "linux")]
fn processor_time(_: Instant) -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Where the system does not tell, all time is the processor's.
#[cfg(not(target_os = "linux"))]
fn processor_time(began: Instant) -> Duration {
    began.elapsed()
}

/// Leaves nothing: whoever cannot fail has met what must not go on.
pub(super) fn exhaust() {
    LEFT.set(0);
}

/// Counts everything in a value.
fn spend_below(value: &Value, depth: usize, counts: fn(&Value) -> usize) -> Result<(), Error> {
    spend(counts(value))?;
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(());
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("the value is nested deeper than {DEPTH}")));
    };
    let is_map = value.kind() == ValueKind::Map;
    for item in value.try_iter().into_iter().flatten() {
        spend_below(&item, depth, counts)?;
        if is_map {
            spend_below(&value.get_item(&item).unwrap_or_default(), depth, counts)?;
        }
    }
    Ok(())
}

/// Counts an argument: a text, or the items of a list.
pub(super) fn spend_on_reading(value: &Value) -> Result<(), Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => spend(text.len()),
        (None, ValueKind::Seq | ValueKind::Iterable) => spend(value.len().unwrap_or(0).saturating_mul(ITEM)),
        _ => Ok(()),
    }
}

/// Counts what joining these makes.
pub(super) fn spend_on_joining<'t>(parts: impl Iterator<Item = &'t str>, between: &str) -> Result<(), Error> {
    spend(parts.map(|part| part.len() + between.len()).sum())
}

/// Counts what a value prints.
pub(super) fn spend_on_printing(value: &Value) -> Result<(), Error> {
    if let Some(text) = value.as_str() {
        return spend(text.len());
    }
    if value.as_object().is_none() {
        return Ok(());
    }
    spend_below(value, DEPTH, |value| ITEM + value.as_str().map_or(0, str::len))?;
    write!(Counter, "{value}").map_err(|_| Error::new(ErrorKind::InvalidOperation, SPENT))
}

/// Counts what comparing a value reads.
pub(super) fn spend_on_comparing(value: &Value) -> Result<(), Error> {
    match (value.as_str(), value.as_object()) {
        (Some(text), _) => spend(text.len() / READ),
        (None, Some(_)) => spend_below(value, DEPTH, |value| READ + value.as_str().map_or(0, str::len) / READ),
        (None, None) => Ok(()),
    }
}

/// Counts what is written and keeps none of it.
struct Counter;

impl Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        spend(text.len()).map_err(|_| fmt::Error)
    }
}

pub(super) fn install(environment: &mut Environment<'_>) {
    environment.add_filter(JOINED_FILTER, |value: Value| spend_on_printing(&value).map(|()| value));
    environment.add_filter(READ_FILTER, |value: Value| spend_on_comparing(&value).map(|()| value));
    environment.add_filter(TICK_FILTER, |value: Value| spend(1).map(|()| value));
    environment.add_filter(TIMES_FILTER, times);
    environment.add_filter(LITERAL_FILTER, |_: &str, bytes: usize| {
        spend(bytes).map(|()| Value::from_safe_string(String::new()))
    });
}

/// `left * right`, of which the engine would make a text of up to 100 MB.
fn times(left: Value, right: Value) -> Result<Value, Error> {
    for (repeated, count) in [(&left, &right), (&right, &left)] {
        let items = || repeated.as_object().and(repeated.len()).map(|items| items.saturating_mul(ITEM));
        let length = repeated.as_str().map(str::len).or_else(items);
        if let (Some(length), Some(count)) = (length, count.as_usize()) {
            spend(length.saturating_mul(count))?;
        }
    }
    let product = PRODUCT.as_ref().map_err(|error| Error::new(error.kind(), error.to_string()))?;
    let values = Value::from_pairs([("left", left), ("right", right)]);
    product.eval(values).map_err(|error| Error::new(error.kind(), error.detail().unwrap_or_default().to_owned()))
}

/// The engine's own multiplication.
static PRODUCT: LazyLock<Result<Expression<'static, 'static>, Error>> =
    LazyLock::new(|| ENGINE.compile_expression("left * right"));
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(Environment::empty);
