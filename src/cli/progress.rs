//! Progress on a terminal, and a line now and then without one.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::{Output, grouped};
use crate::campaign::Tally;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Whole recipients a second.
fn whole_rate(state: &ProgressState, text: &mut dyn Write) {
    // A line that cannot be written is no reason to fail.
    let _ = text.write_str(&grouped(state.per_sec() as u64));
}

/// Tells how far a campaign is.
pub(super) struct Progress<'a> {
    output: &'a Output,
    what: &'static str,
    bar: ProgressBar,
    terminal: bool,
    /// How many vouchers there were before, where that is known.
    vouchers: Option<u64>,
    said: Instant,
}

impl<'a> Progress<'a> {
    /// Begins; `total` recipients, if that is known.
    pub(super) fn start(output: &'a Output, what: &'static str, total: Option<u64>) -> Progress<'a> {
        let terminal = std::io::stderr().is_terminal() && !output.is_quiet();
        let bar = if terminal { ProgressBar::new(total.unwrap_or_default()) } else { ProgressBar::hidden() };
        let form = match total {
            Some(_) => "{prefix} {bar:30} {human_pos}/{human_len} · {rate} a second · {eta} left {msg}",
            None => "{prefix} {spinner} {human_pos} · {rate} a second {msg}",
        };
        let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("rate", whole_rate));
        bar.set_prefix(what);
        Progress { output, what, bar, terminal, vouchers: None, said: Instant::now() }
    }

    /// Tells also how many of so many vouchers are left.
    pub(super) fn with_vouchers(mut self, vouchers: Option<u64>) -> Progress<'a> {
        self.vouchers = vouchers;
        self
    }

    /// So many recipients are done.
    pub(super) fn at(&mut self, recipients: u64) {
        self.bar.set_position(recipients);
        self.line(|| format!("{} recipients", grouped(recipients)));
    }

    /// So many rows of vouchers are read.
    pub(super) fn read(&mut self, rows: u64) {
        self.bar.set_position(rows);
        self.line(|| format!("{} rows", grouped(rows)));
    }

    /// So many codes are generated.
    pub(super) fn generated(&mut self, codes: u64) {
        self.bar.set_position(codes);
        self.line(|| format!("{} codes", grouped(codes)));
    }

    /// So much is done.
    pub(super) fn tell(&mut self, tally: &Tally) {
        let used: u64 = tally.vouchers.values().sum();
        let vouchers = match self.vouchers {
            Some(all) => format!("{} vouchers left", grouped(all.saturating_sub(used))),
            None => format!("{} vouchers", grouped(used)),
        };
        let failed = tally.enqueue_failed + tally.suppressed;
        let without = if failed > 0 { format!(" · {} without", grouped(failed)) } else { String::new() };
        self.bar.set_position(tally.recipients);
        self.bar.set_message(format!("· {vouchers}{without}"));
        self.line(|| format!("{} recipients · {vouchers}{without}", grouped(tally.recipients)));
    }

    fn line(&mut self, text: impl FnOnce() -> String) {
        if !self.terminal && self.said.elapsed() >= LINE_EVERY {
            self.output.remark(format!("{}: {}", self.what, text()));
            self.said = Instant::now();
        }
    }

    /// Clears the bar: what follows is the summary.
    pub(super) fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}
