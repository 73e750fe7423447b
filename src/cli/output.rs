//! What people and programs read: data on standard output, remarks on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use clap::ColorChoice;
use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use jiff::Timestamp;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// Headings.
pub(super) const BOLD: Style = Style::new().bold();
/// What is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What may not be as expected.
const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What to do.
pub(super) const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The two streams, and how they are to be written.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// Whether a person reads the data.
    terminal: bool,
    /// Whether data and remarks are coloured.
    color: bool,
    remark_color: bool,
    quiet: bool,
}

impl Output {
    pub(super) fn new(color: ColorChoice, quiet: bool) -> Output {
        let is_terminal = io::stdout().is_terminal();
        let remark_color = is_colored(color, io::stderr().is_terminal());
        Output { terminal: is_terminal, color: is_colored(color, is_terminal), remark_color, quiet }
    }

    /// Whether remarks are coloured.
    pub(super) fn colors_remarks(&self) -> bool {
        self.remark_color
    }

    /// Whether remarks are left out.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes data as JSON: on several lines for a person, on one for a program.
    pub(super) fn json(&self, value: &impl Serialize) -> Result<()> {
        let text = if self.terminal { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        let text =
            text.map_err(|error| Error::new(ErrorKind::Io, "the answer cannot be written as JSON").with_source(error))?;
        self.text(&text)
    }

    /// Writes text, and ends its last line.
    pub(super) fn text(&self, text: &str) -> Result<()> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        write!(io::stdout().lock(), "{text}{end}")
            .map_err(|error| Error::new(ErrorKind::Io, "standard output cannot be written").with_source(error))
    }

    /// Writes a table as wide as the terminal, or as it needs where there is none.
    pub(super) fn table(&self, mut table: Table) -> Result<()> {
        if self.color {
            table.enforce_styling();
        } else {
            if let Some(width) = table.width() {
                table.set_width(width);
            }
            table.force_no_tty();
        }
        self.text(&table.trim_fmt())
    }

    /// Text of standard output in a style.
    pub(super) fn styled(&self, style: Style, text: impl Display) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// Says something about what was done. A remark that cannot be written is no reason to fail.
    pub(super) fn remark(&self, text: impl Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Says that something may not be as expected; `--quiet` does not hide it.
    pub(super) fn warn(&self, text: impl Display) {
        self.labeled(WARN, "warning", text);
    }

    /// A line of standard error with its label.
    pub(super) fn labeled(&self, style: Style, label: &str, text: impl Display) {
        let label = if self.remark_color { format!("{style}{label}:{style:#}") } else { format!("{label}:") };
        let _ = writeln!(io::stderr().lock(), "{label} {text}");
    }
}

fn is_colored(choice: ColorChoice, is_terminal: bool) -> bool {
    let is_refused = || {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
    };
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && !is_refused(),
    }
}

/// How far a column is wrapped at most.
const NARROWEST: u16 = 16;

/// An empty table without lines, under these headings. A heading that begins with `>` stands over numbers. Only the last
/// column is wrapped where the terminal is narrow: codes and numbers stay whole.
pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = plain_table();
    let heading = |text: &&str| Cell::new(text.trim_start_matches('>')).add_attribute(comfy_table::Attribute::Bold);
    table.set_header(headings.iter().map(heading).collect::<Vec<_>>());
    for (index, (column, text)) in table.column_iter_mut().zip(headings).enumerate() {
        column.set_padding((0, 2));
        let is_last = index + 1 == headings.len();
        let least = ColumnConstraint::LowerBoundary(Width::Fixed(NARROWEST));
        column.set_constraint(if is_last { least } else { ColumnConstraint::ContentWidth });
        if text.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table of names and values.
pub(super) fn card<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> Table {
    let mut table = plain_table();
    for (name, value) in rows {
        table.add_row([name, &value]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// A moment, to the second.
pub(super) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment, to the minute in UTC, for tables whose heading says so.
pub(super) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 voucher`, `2 vouchers`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let all = [0, 7, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(all, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(counted(1, "voucher"), "1 voucher");
        assert_eq!(counted(2_000, "voucher"), "2,000 vouchers");
    }
}
