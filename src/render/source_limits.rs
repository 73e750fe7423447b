//! What is refused before the engine's compiler sees it.

use super::failure::TemplateError;
use super::mentions;
use super::source::Source;
use crate::error::Result;

/// Checks the source of a file.
///
/// # Errors
/// [`ErrorKind::Template`](crate::error::ErrorKind::Template), with the place, where it is larger than `limit` bytes, or so long
/// a chain or so deeply nested that it would exhaust the engine's stack.
pub(super) fn check(file: &str, text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        let message = format!(
            "the source of {file} has {} bytes, more than the limit of {limit}; shorten it, or raise limits.source_bytes",
            text.len()
        );
        return Err(TemplateError { message, place: None }.into());
    }
    let Some(offset) = mentions::too_deep(text) else { return Ok(()) };
    let message = "this expression, or chain of elif, is too long; split it with set, or loop over a list";
    Err(TemplateError::at(message, file, &Source::unread(text), offset, 1).into())
}
