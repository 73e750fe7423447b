//! What a run tells: ratios with the limits that they are held against, then absolute numbers.

use comfy_table::Table;
use serde_json::{Map, Value, json};

use super::Extent;
use super::figures::{FIGURES, Figure, Limit, Unit};
use super::record::{Record, Samples};
use crate::cli::output::{BAD, GOOD, Output, grouped, table};
use crate::error::Result;

/// The figures that were measured.
pub(super) struct Report {
    pub(super) rows: Vec<(&'static Figure, Samples)>,
    machine: Value,
}

impl Report {
    pub(super) fn new(record: &Record, extent: Extent, redis_version: &str) -> Report {
        let rows = FIGURES.iter().filter_map(|figure| Some((figure, figure.samples(record)?))).collect();
        let machine = json!({
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "redis_version": redis_version,
            "runs": extent.runs,
            "codes_in_a_full_store": extent.codes,
        });
        Report { rows, machine }
    }

    /// Each figure at its place, and beside them by that place how far the runs lay apart, and the limits.
    pub(super) fn json(&self) -> Value {
        let mut root = Map::new();
        let (mut spread, mut limits) = (Map::new(), Map::new());
        for (figure, samples) in &self.rows {
            put(&mut root, figure.path, rounded(samples.median()));
            let ends = [samples.least(), samples.most()].map(rounded);
            spread.insert(figure.path.to_owned(), json!(ends));
            if let Some(limit) = figure.limit {
                limits.insert(figure.path.to_owned(), limit_json(limit, samples.median()));
            }
        }
        root.insert("spread".to_owned(), Value::Object(spread));
        root.insert("limits".to_owned(), Value::Object(limits));
        root.insert("machine".to_owned(), self.machine.clone());
        Value::Object(root)
    }

    /// Two tables: ratios, then absolute numbers.
    pub(super) fn show(&self, output: &Output) -> Result<()> {
        let (mut ratios, mut numbers) = (headed("RATIO"), headed("NUMBER"));
        for (figure, samples) in &self.rows {
            let table = if figure.unit == Unit::Ratio { &mut ratios } else { &mut numbers };
            table.add_row(cells(figure, samples, output));
        }
        let tables = [ratios, numbers].into_iter().filter(|table| !table.is_empty());
        tables.enumerate().try_for_each(|(index, table)| {
            if index > 0 {
                output.text("\n")?;
            }
            output.table(table)
        })
    }
}

fn headed(title: &str) -> Table {
    table(&[title, ">MEDIAN", ">LEAST", ">MOST", "LIMIT"])
}

fn cells(figure: &Figure, samples: &Samples, output: &Output) -> [String; 5] {
    let number = |value| told(figure.unit, value);
    let limit = figure.limit.map_or_else(String::new, |limit| {
        let (style, mark) = if limit.is_met(samples.median()) { (GOOD, '✔') } else { (BAD, '✘') };
        let (bound, value) = match limit {
            Limit::AtLeast(value) => ("at least", value),
            Limit::AtMost(value) => ("at most", value),
        };
        format!("{} {bound} {}", output.styled(style, mark), number(value))
    });
    let [median, least, most] = [samples.median(), samples.least(), samples.most()].map(number);
    [figure.what.to_owned(), median, least, most, limit]
}

/// A number as people read it.
pub(super) fn told(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ratio => format!("{value:.2}"),
        Unit::PerSecond => format!("{}/s", grouped(value.round() as u64)),
        Unit::Microseconds if value >= 100.0 => format!("{} µs", grouped(value.round() as u64)),
        Unit::Microseconds => format!("{value:.1} µs"),
        Unit::Bytes => format!("{value:.1} B"),
    }
}

fn limit_json(limit: Limit, value: f64) -> Value {
    let met = limit.is_met(value);
    match limit {
        Limit::AtLeast(limit) => json!({ "at_least": limit, "met": met }),
        Limit::AtMost(limit) => json!({ "at_most": limit, "met": met }),
    }
}

/// No digit more than the measurement has.
fn rounded(value: f64) -> f64 {
    if value >= 1_000.0 { value.round() } else { (value * 1e4).round() / 1e4 }
}

fn put(root: &mut Map<String, Value>, path: &str, value: f64) {
    match path.split_once('.') {
        None => {
            root.insert(path.to_owned(), json!(value));
        }
        Some((first, rest)) => {
            let inner = root.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
