//! What can be wrong, what it means, and what to do about it.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::voucher::{MessageId, PoolName};

/// Something that is not as it should be. It names a file, a line and a message, and no code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// What is wrong, for machines.
    pub kind: Kind,
    /// The file that it was found in; none for what no file shows.
    pub file: Option<&'static str>,
    /// The line of that file, from 1.
    pub line: Option<u32>,
    /// The message that it is about.
    pub message_id: Option<MessageId>,
    /// The pool that it is about.
    pub pool: Option<PoolName>,
    /// What is wrong, for people.
    pub problem: Cow<'static, str>,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Discrepancy {
    pub(super) fn new(kind: Kind) -> Discrepancy {
        let (problem, remedy) = kind.told();
        let problem = problem.into();
        Discrepancy { kind, file: None, line: None, message_id: None, pool: None, problem, remedy }
    }

    pub(super) fn in_file(mut self, file: &'static str) -> Discrepancy {
        self.file = Some(file);
        self
    }

    pub(super) fn at(mut self, file: &'static str, line: u32) -> Discrepancy {
        (self.file, self.line) = (Some(file), Some(line));
        self
    }

    pub(super) fn of_message(mut self, message_id: Option<&MessageId>) -> Discrepancy {
        self.message_id = message_id.cloned();
        self
    }

    pub(super) fn of_pool(mut self, pool: &PoolName) -> Discrepancy {
        self.pool = Some(pool.clone());
        self
    }

    pub(super) fn because(mut self, problem: impl Into<Cow<'static, str>>) -> Discrepancy {
        self.problem = problem.into();
        self
    }

    pub(super) fn remedied_by(mut self, remedy: &'static str) -> Discrepancy {
        self.remedy = remedy;
        self
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A file of the campaign is not there.
    MissingFile,
    /// A file ends too early.
    Cut,
    /// A file goes on behind the checkpoint.
    Unfinished,
    /// A line or file has not the form that the program writes.
    Broken,
    /// A line or file of another campaign.
    Foreign,
    /// A count of the report is not that of the files.
    Count,
    /// A customer has two rendered messages.
    RenderedTwice,
    /// A customer has two outcomes.
    TwoOutcomes,
    /// A customer has an event too many.
    EventTwice,
    /// A rendered message without its event.
    NoEvent,
    /// An event without its rendered message.
    NoMessage,
    /// A code stands in messages to two customers.
    TwoCustomers,
    /// The store does not know a code.
    UnknownCode,
    /// A code went back to its pool.
    GivenBack,
    /// A code belongs to another customer.
    OtherCustomer,
    /// A code belongs to another message of the customer.
    OtherMessage,
    /// A code is only reserved.
    NotSettled,
    /// A code was ended by hand.
    Void,
    /// A code is in another pool.
    WrongPool,
    /// A code was taken by a test, or a test's by a live message.
    WrongMode,
    /// A fallback code is not bound to its message.
    NotBound,
    /// A message holds a voucher that no file shows.
    NotShown,
    /// A message that is not sent keeps a voucher.
    KeptByFailed,
}

pub(super) const RESTORE: &str =
    "restore the file, or run the campaign into a new folder: messages rendered again get the same codes";
pub(super) const GO_ON: &str = "run the same 'tearoff campaign run' again: it goes on from its checkpoint";
const HOLD: &str = "do not deliver this message; if it is out already, its customer needs another code";
const BY_HAND: &str = "if nobody edited the file, tell whoever runs it: send each customer one message only";

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Kind {
    /// The name in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::MissingFile => "missing_file",
            Kind::Cut => "cut",
            Kind::Unfinished => "unfinished",
            Kind::Broken => "broken",
            Kind::Foreign => "foreign",
            Kind::Count => "count",
            Kind::RenderedTwice => "rendered_twice",
            Kind::TwoOutcomes => "two_outcomes",
            Kind::EventTwice => "event_twice",
            Kind::NoEvent => "no_event",
            Kind::NoMessage => "no_message",
            Kind::TwoCustomers => "two_customers",
            Kind::UnknownCode => "unknown_code",
            Kind::GivenBack => "given_back",
            Kind::OtherCustomer => "other_customer",
            Kind::OtherMessage => "other_message",
            Kind::NotSettled => "not_settled",
            Kind::Void => "void",
            Kind::WrongPool => "wrong_pool",
            Kind::WrongMode => "wrong_mode",
            Kind::NotBound => "not_bound",
            Kind::NotShown => "not_shown",
            Kind::KeptByFailed => "kept_by_failed",
        }
    }

    /// What is wrong and what to do.
    fn told(self) -> (&'static str, &'static str) {
        match self {
            Kind::MissingFile => ("the file is missing", RESTORE),
            Kind::Cut => {
                ("the file ends in the middle", "if the run was killed, run it again; if not, restore the file")
            }
            Kind::Unfinished => ("the file goes on behind the checkpoint: the run was killed", GO_ON),
            Kind::Broken => ("the line is not one that this program wrote", RESTORE),
            Kind::Foreign => ("this is of another campaign or customer", RESTORE),
            Kind::Count => (
                "the report counts other than the files",
                "run the same 'tearoff campaign run' again: it writes the report anew; if it stays, the files were changed",
            ),
            Kind::RenderedTwice => ("the customer has a rendered message already", BY_HAND),
            Kind::TwoOutcomes => ("the customer has two outcomes", BY_HAND),
            Kind::EventTwice => ("an event that no run or retry explains", "count this message once"),
            Kind::NoEvent => {
                ("the message has no 'enqueued' event", "if it was sent, count it; else restore the files")
            }
            Kind::NoMessage => ("the event says 'enqueued', but there is no message", RESTORE),
            Kind::TwoCustomers => ("a message to another customer shows the same code", HOLD),
            Kind::UnknownCode => (
                "the store does not know the code",
                "check --store and --project; was the pool deleted, or a backup restored?",
            ),
            Kind::GivenBack => ("the code went back to its pool, where others may get it", HOLD),
            Kind::OtherCustomer => ("the store gave the code to another customer", HOLD),
            Kind::OtherMessage => ("the store gave the code to another message of the customer", HOLD),
            Kind::NotSettled => ("the code is only reserved, and may go back", HOLD),
            Kind::Void => ("the code was ended by hand", HOLD),
            Kind::WrongPool => (
                "the code is not in the pool that the message says",
                "check --store and --project, or restore the file",
            ),
            Kind::WrongMode => ("the code was taken in another mode: live and test do not mix", HOLD),
            Kind::NotBound => (
                "the store has no such fallback code bound to the message",
                "check --store and --project; if the message was released, do not deliver it",
            ),
            Kind::NotShown => (
                "the voucher is bound to the message, but no file shows it",
                "if another folder has the message, all is well; if it will never be sent, 'tearoff voucher release --message' gives it back",
            ),
            Kind::KeptByFailed => (
                "the message is not sent, but keeps a voucher",
                "--retry-failed may render it; if it will never be sent, 'tearoff voucher release --message' gives it back",
            ),
        }
    }
}
