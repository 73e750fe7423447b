//! Parts that are one line, such as a subject. Each may become a header, so data that would end its line is refused.

use std::cell::Cell;

use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

/// Whatever some reader may take for the end of a line, or of a text.
const BREAKS: [char; 8] = ['\n', '\r', '\0', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

thread_local! {
    /// The one-line part that this thread renders.
    static PART: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Whether a part is one line.
pub(super) fn is_one_line(part: &str) -> bool {
    !part.starts_with("body.")
}

/// Renders a part, whose values are refused by [`check`] if it is one line. It must not panic.
pub(super) fn within<T>(part: &'static str, run: impl FnOnce() -> T) -> T {
    let before = PART.replace(is_one_line(part).then_some(part));
    let result = run();
    PART.set(before);
    result
}

/// Refuses a value with more than one line where one line is rendered. White space at its ends is as harmless as the author's:
/// a macro that is laid out over several lines has it, too.
pub(super) fn check(value: &Value) -> Result<(), Error> {
    let (Some(part), Some(text)) = (PART.get(), value.as_str()) else { return Ok(()) };
    if !text.contains('\0') && !text.trim().contains(BREAKS) {
        return Ok(());
    }
    let message = format!(
        "this value has a line break or a NUL in it, and {part} may become a header, which has neither; \
        mend the data, or write |trim|split|join(' ') at its end, which makes one line of several"
    );
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// The text without the line breaks of the template's own layout.
pub(super) fn joined(text: &str) -> String {
    let lines: Vec<&str> = text.split(BREAKS).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}
