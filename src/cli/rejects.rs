//! Lines of a list or a file that could not be taken.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::output::{Output, counted};
use crate::error::Result;
use crate::intake::{Input, Lines, Rejected};

/// How many rejected lines a report lists.
const LISTED: usize = 1_000;

/// How many rejected lines are shown to a person.
const SHOWN: usize = 20;

/// Lines that could not be taken, the first 1,000 of them by number and reason.
#[derive(Debug, Default)]
pub(super) struct Rejects {
    listed: Vec<Rejected>,
    count: u64,
}

impl Rejects {
    pub(super) fn add(&mut self, line: u64, reason: impl Into<String>) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(Rejected { line, reason: reason.into() });
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Tells a person about them.
    pub(super) fn show(&self, source: &dyn Display, output: &Output) {
        for Rejected { line, reason } in self.listed.iter().take(SHOWN) {
            output.warn(format!("{source}:{line}: {reason}"));
        }
        let more = self.count.saturating_sub(SHOWN as u64);
        if more > 0 {
            output.warn(format!("{} more; --json lists up to 1,000", counted(more, "line")));
        }
    }
}

impl Serialize for Rejects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.listed.serialize(serializer)
    }
}

/// Codes or ids, one a line. Blank lines say nothing.
pub(super) struct List {
    lines: Lines,
}

impl List {
    pub(super) fn open(input: &Input) -> Result<List> {
        Ok(List { lines: input.open()? })
    }

    /// The next lines with their numbers, at most `limit`; none at the end.
    pub(super) fn next(&mut self, limit: usize) -> Result<Vec<(u64, String)>> {
        let mut batch = Vec::new();
        while batch.len() < limit && self.lines.peek()?.is_some() {
            let Some(text) = self.lines.next()?.map(|text| text.trim().to_owned()) else { break };
            batch.push((self.lines.line(), text));
        }
        Ok(batch)
    }
}
