//! How the program ends: the one place that knows exit codes.

use std::process::ExitCode;

use crate::campaign::{Outcome, Reason, Status};
use crate::error::ErrorKind;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something went wrong that nobody foresaw.
    Unexpected = 1,
    /// The arguments make no command; the parser ends the program itself.
    Usage = 2,
    /// It ended, but messages could not be personalised, recipients are left, or a voucher cannot be used.
    Shortfall = 3,
    /// A pool is too small for the campaign; nothing was rendered or claimed.
    PoolTooSmall = 4,
    /// The store cannot be reached.
    StoreUnreachable = 5,
    /// A template is wrong.
    Template = 6,
    /// What was given, or how things are set up, is wrong.
    BadInput = 7,
    /// Somebody pressed Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Exit {
        match kind {
            ErrorKind::InvalidInput
            | ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::MessageConflict
            | ErrorKind::MessageReleased
            | ErrorKind::StoreCorrupt => Exit::BadInput,
            ErrorKind::Io => Exit::Unexpected,
            ErrorKind::PoolTooSmall => Exit::PoolTooSmall,
            ErrorKind::Template => Exit::Template,
            ErrorKind::StoreUnavailable | ErrorKind::Contended => Exit::StoreUnreachable,
        }
    }
}

impl From<&Outcome> for Exit {
    fn from(outcome: &Outcome) -> Exit {
        match (outcome.status(), outcome.shortfall().map(|shortfall| shortfall.reason)) {
            (Status::Rendered | Status::Suppressed, _) => Exit::Done,
            (_, Some(Reason::TemplateError | Reason::UnknownPool | Reason::OutputTooLarge)) => Exit::Template,
            _ => Exit::Shortfall,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_its_code() {
        let code = |kind: ErrorKind| Exit::from(kind) as u8;
        for kind in [ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::Refused, ErrorKind::StoreCorrupt] {
            assert_eq!(code(kind), 7, "{kind:?}");
        }
        assert_eq!(code(ErrorKind::MessageConflict), 7);
        assert_eq!(code(ErrorKind::MessageReleased), 7);
        assert_eq!(code(ErrorKind::Template), 6);
        assert_eq!(code(ErrorKind::StoreUnavailable), 5);
        assert_eq!(code(ErrorKind::Contended), 5);
        assert_eq!(code(ErrorKind::Io), 1);
    }
}
