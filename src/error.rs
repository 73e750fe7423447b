//! The one error type of the library.
//!
//! Every fallible call returns [`Error`]: a [`ErrorKind`] to decide by, a message for a person, often a remedy, and the
//! cause. Callers ask [`Error::kind`] and [`Error::is_retryable`] and never match on text. No message holds a voucher
//! code or a customer's data.

use std::fmt;

/// The result of a fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file, a field, a name or an argument is wrong; the message says where and what to do.
    InvalidInput,
    /// A template does not compile, or cannot be rendered for anybody.
    Template,
    /// What was asked for does not exist.
    NotFound,
    /// The request contradicts the present state, such as deleting a pool whose codes are assigned.
    Refused,
    /// A pool has fewer vouchers than a campaign needs.
    PoolTooSmall,
    /// A message id came back with another customer or mode.
    MessageConflict,
    /// The message id was released by hand and is retired for good.
    MessageReleased,
    /// The store cannot be reached, is locked, full or overloaded. Nothing is known about the pool.
    StoreUnavailable,
    /// Others kept changing what a message held; asking again later succeeds.
    Contended,
    /// The store's file or answer is not what it should be.
    StoreCorrupt,
    /// The system refused to read or write, for want of space, say.
    Io,
}

impl ErrorKind {
    /// A stable identifier for machines, in `snake_case`.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::InvalidInput => "invalid_input",
            ErrorKind::Template => "template_error",
            ErrorKind::NotFound => "not_found",
            ErrorKind::Refused => "refused",
            ErrorKind::PoolTooSmall => "pool_too_small",
            ErrorKind::MessageConflict => "message_conflict",
            ErrorKind::MessageReleased => "message_released",
            ErrorKind::StoreUnavailable => "store_unavailable",
            ErrorKind::Contended => "contended",
            ErrorKind::StoreCorrupt => "store_corrupt",
            ErrorKind::Io => "io",
        }
    }
}

/// What went wrong, for a person and for a program.
///
/// ```
/// use tearoff::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::InvalidInput, "pool name 'spring sale' has a space").with_help("use 'spring-sale'");
/// assert!(!error.is_retryable());
/// assert_eq!(error.help(), Some("use 'spring-sale'"));
/// ```
#[derive(thiserror::Error)]
#[error("{}", .repr.message)]
pub struct Error {
    repr: Box<Repr>,
}

struct Repr {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.repr.kind)
            .field("message", &self.repr.message)
            .finish_non_exhaustive()
    }
}

impl Error {
    /// Makes an error of `kind`; `message` says what is wrong and where, in lower case and without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { repr: Box::new(Repr { kind, message: message.into(), help: None, source: None }) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Error {
        self.repr.help = Some(help.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.repr.source = Some(source.into());
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.repr.kind
    }

    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<&str> {
        self.repr.help.as_deref()
    }

    /// The same error for somebody else who asked for the same; the cause stays with the first.
    #[must_use]
    pub(crate) fn retold(&self) -> Error {
        let Repr { kind, message, help, .. } = &*self.repr;
        Error { repr: Box::new(Repr { kind: *kind, message: message.clone(), help: help.clone(), source: None }) }
    }

    /// The cause, where there is one.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.repr.source.as_deref()
    }

    /// Whether the same call may succeed later without anything being changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self.repr.kind, ErrorKind::StoreUnavailable | ErrorKind::Contended)
    }
}
