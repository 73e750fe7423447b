//! Log lines among what is said to people.

use std::ffi::OsStr;

use jiff::Timestamp;
use serde_json::Value;

/// Log levels, from the quietest on, at which the program logs by itself.
const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/// What a person sees of this with the log at the level that these arguments ask for.
pub(crate) fn as_asked<'a>(said: &str, arguments: impl Iterator<Item = &'a OsStr>) -> String {
    let loudest = asked(arguments);
    said.split_inclusive('\n').filter(|line| level(line).is_none_or(|level| level <= loudest)).collect()
}

fn asked<'a>(arguments: impl Iterator<Item = &'a OsStr>) -> usize {
    let mut loudest = 1;
    for argument in arguments.filter_map(OsStr::to_str) {
        match argument {
            "-q" | "--quiet" => return 0,
            "-v" | "--verbose" | "serve" => loudest += 1,
            "-vv" => loudest += 2,
            "-vvv" => loudest += 3,
            _ => {}
        }
    }
    loudest
}

/// The level of a log line: text begins with the time and the level, JSON has it as a field.
fn level(line: &str) -> Option<usize> {
    let place = |level: &str| LEVELS.iter().position(|known| *known == level);
    if line.starts_with('{') {
        let line: Value = serde_json::from_str(line).ok()?;
        line["timestamp"].as_str()?;
        return place(line["level"].as_str()?);
    }
    let plain = without_colors(line);
    let (time, rest) = plain.split_once(' ')?;
    time.parse::<Timestamp>().ok()?;
    place(rest.split_whitespace().next()?)
}

fn without_colors(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, text)| text))
}
