//! How an error is told: what is wrong, what to do about it, and why, without data.

use std::io;

use super::output::{BAD, BOLD, HINT, Output};
use crate::error::Error;

/// Tells an error on standard error.
pub(super) fn report(error: &Error, output: &Output) {
    output.labeled(BAD, "error", error);
    if let Some(help) = error.help() {
        output.labeled(HINT, "help", help);
    }
    for cause in causes(error) {
        output.labeled(BOLD, "cause", cause);
    }
}

/// Tells an error as a line of the log.
pub(super) fn log(error: &Error) {
    let (code, help, causes) = (error.kind().code(), error.help(), causes(error));
    tracing::error!(code, help, causes = (!causes.is_empty()).then(|| causes.join("; ")), "{error}");
}

/// The error, with the argument that it is about.
pub(super) fn in_argument(argument: &str, error: &Error) -> Error {
    let named = Error::new(error.kind(), format!("{argument}: {error}"));
    match error.help() {
        Some(help) => named.with_help(help),
        None => named,
    }
}

/// The causes that the message does not tell already.
fn causes(error: &Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.cause().map(|cause| cause as &(dyn std::error::Error + 'static));
    let message = error.to_string();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !message.contains(&text) && !causes.contains(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// Whether the reader of our output went away, as `head` does.
pub(super) fn is_broken_pipe(error: &Error) -> bool {
    let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
