//! What happened to vouchers, in the order in which it happened.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Code, CustomerId, EventId, ImportId, MessageId, PoolName};

/// A place in the journal of a pool, behind an entry. It sorts in no order that means anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JournalPosition(pub String);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// They came into the pool.
    Imported,
    /// They were given for good: settled by complete messages, or assigned outside one.
    Assigned,
    /// They came back into the stock after they were assigned: their message was released, or was a test.
    Released,
    /// They were used.
    Redeemed,
    /// Their use was taken back.
    RolledBack,
    /// They were ended by hand.
    Voided,
}

impl Change {
    /// The name that files, JSON and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Imported => "imported",
            Change::Assigned => "assigned",
            Change::Released => "released",
            Change::Redeemed => "redeemed",
            Change::RolledBack => "rolled_back",
            Change::Voided => "voided",
        }
    }
}

/// One entry: the same thing happened to all of these vouchers in one step.
#[derive(Clone, PartialEq, Serialize)]
pub struct JournalEntry {
    /// The place behind it.
    pub position: JournalPosition,
    /// When.
    pub at: Timestamp,
    /// The pool that the vouchers came in by.
    pub pool: PoolName,
    /// What.
    pub change: Change,
    /// To how many vouchers.
    pub count: u64,
    /// To which; empty for an import, which can be large.
    pub codes: Vec<Code>,
    /// The message from which they came back.
    pub message_id: Option<MessageId>,
    /// Who had them, or used them, where that is known.
    pub customer_id: Option<CustomerId>,
    /// The event that used them, or whose use was taken back.
    pub event_id: Option<EventId>,
    /// The import that brought them.
    pub import_id: Option<ImportId>,
    /// Whether somebody else used it than its customer, where the pool has that marked.
    pub flagged: bool,
}

/// Entries name customers and codes.
impl fmt::Debug for JournalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalEntry").field("pool", &self.pool).field("change", &self.change).finish_non_exhaustive()
    }
}

/// How large the journal of a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct JournalSize {
    /// Entries.
    pub entries: u64,
    /// When the oldest one was written.
    pub oldest: Option<Timestamp>,
}
