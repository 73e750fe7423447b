//! One piece of work on the file: its connection, its moment, and what it changes in the tallies.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::fault::{Outcome, stored};
use super::open::Place;
use super::tally::Changes;

/// What a piece of work has in hand. It is one step: no other work on the file runs in between.
pub(super) struct Session<'c> {
    /// The connection, in a transaction.
    pub(super) connection: &'c Connection,
    /// The project whose pools it is about.
    pub(super) project: i64,
    /// The moment at which it happens, in milliseconds since 1970.
    pub(super) now: i64,
    /// How long the journal is kept.
    pub(super) journal_keep: Duration,
    /// What it changes in the tallies.
    pub(super) changes: RefCell<Changes>,
}

impl<'c> Session<'c> {
    pub(super) fn new(connection: &'c Connection, place: &Place) -> Session<'c> {
        Session {
            connection,
            project: place.project,
            now: (place.clock)().as_millisecond(),
            journal_keep: place.journal_keep,
            changes: RefCell::default(),
        }
    }

    /// The moment that lies `time` after this one.
    pub(super) fn after(&self, time: Duration) -> i64 {
        self.now.saturating_add(milliseconds(time)).min(Timestamp::MAX.as_millisecond())
    }

    /// Writes the changes of the tallies.
    pub(super) fn flush(&self) -> Outcome<()> {
        self.changes.borrow_mut().write(self)
    }
}

/// A duration as the file has it.
pub(super) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time as the file has it, for the rest of the program.
pub(super) fn timestamp(milliseconds: i64) -> Outcome<Timestamp> {
    stored(Timestamp::from_millisecond(milliseconds))
}

/// A time that may be absent.
pub(super) fn optional_timestamp(milliseconds: Option<i64>) -> Outcome<Option<Timestamp>> {
    milliseconds.map(timestamp).transpose()
}
