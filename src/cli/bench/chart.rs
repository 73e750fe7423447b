//! Speeds as bars, in an SVG that is readable on light and on dark pages.

use std::fmt::Write;
use std::fs::OpenOptions;
use std::path::Path;

use super::record::Samples;
use super::report::{Report, told};
use crate::error::{Error, ErrorKind, Result};

/// Bars that share a scale: what they are of, and their figures. The first one is the unit or the measure of the others.
const PANELS: [(&str, &[&str]); 4] = [
    (
        "E-mails a second",
        &[
            "email.pure_per_second",
            "email.redis.per_second",
            "email.sqlite.per_second",
            "email.files.without_claims_per_second",
            "email.files.redis.per_second",
            "email.files.sqlite.per_second",
            "email.tasks256_per_second",
            "email.naive_per_second",
        ],
    ),
    (
        "Text messages a second",
        &["sms.redis.per_second", "sms.sqlite.per_second", "sms.tasks256_per_second", "sms.naive_per_second"],
    ),
    (
        "Claims a second",
        &["claims.redis.per_second", "claims.sqlite.per_second", "claims.redis.one_message_per_second"],
    ),
    (
        "Codes imported a second",
        &["import.per_second", "import.naive_per_second", "import.at_4m_per_second", "import.naive_at_4m_per_second"],
    ),
];

const WIDTH: usize = 760;
const LABELS: usize = 270;
const BARS: f64 = 380.0;
const ROW: usize = 24;
const TITLE: usize = 44;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2933 } .title { font-weight: 600; font-size: 15px }
.ours { fill: #2c7a5b } .theirs { fill: #9aa5b1 } .spread { stroke: #1f2933; stroke-opacity: .6 }
@media (prefers-color-scheme: dark) { text { fill: #e5e9ee } .ours { fill: #4fb88a } .theirs { fill: #6b7785 }
.spread { stroke: #e5e9ee } }";

/// Makes sure that a chart can be written, before minutes are spent on what it is to show.
pub(super) fn check(path: &Path) -> Result<()> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| {
        cannot_write(ErrorKind::InvalidInput, path, error).with_help("choose a file in a folder that you may write")
    })
}

/// Draws what of the report has a bar.
pub(super) fn write(path: &Path, report: &Report) -> Result<()> {
    std::fs::write(path, draw(report)).map_err(|error| cannot_write(ErrorKind::Io, path, error))
}

fn cannot_write(kind: ErrorKind, path: &Path, error: std::io::Error) -> Error {
    Error::new(kind, format!("cannot write {}: {error}", path.display())).with_source(error)
}

fn draw(report: &Report) -> String {
    let (mut body, mut y) = (String::new(), 0);
    for (title, figures) in PANELS {
        let rows: Vec<_> = report.rows.iter().filter(|(figure, _)| figures.contains(&figure.path)).collect();
        let most = rows.iter().map(|(_, samples)| samples.most()).fold(0.0, f64::max);
        if rows.is_empty() {
            continue;
        }
        y += TITLE;
        let _ = writeln!(body, r#"<text class="title" x="0" y="{}">{title}</text>"#, y - 16);
        for (figure, samples) in rows {
            let class = if is_ours(figure.path) { "ours" } else { "theirs" };
            bar(&mut body, y, (figure.what, class, &told(figure.unit, samples.median())), samples, BARS / most);
            y += ROW;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n\
         <style>\n{STYLE}\n</style>\n{body}</svg>\n",
        height = y + 8,
    )
}

/// Whether a bar is Tearoff with its claims, or something that it is compared with.
fn is_ours(path: &str) -> bool {
    !["naive", "tasks256", "pure", "without_claims", "one_message"].iter().any(|word| path.contains(word))
}

fn bar(body: &mut String, y: usize, (what, class, value): (&str, &str, &str), samples: &Samples, scale: f64) {
    let [median, least, most] = [samples.median(), samples.least(), samples.most()].map(|number| number * scale);
    let (start, middle) = (LABELS as f64, y + ROW / 2);
    let _ = writeln!(
        body,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{what}</text>\n\
         <rect class=\"{class}\" x=\"{LABELS}\" y=\"{}\" width=\"{median:.1}\" height=\"{}\" rx=\"2\"/>\n\
         <line class=\"spread\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\n\
         <text x=\"{:.1}\" y=\"{}\">{value}</text>",
        LABELS - 10,
        middle + 4,
        y + 4,
        ROW - 8,
        start + least,
        start + most,
        start + median.max(most) + 8.0,
        middle + 4,
    );
}
