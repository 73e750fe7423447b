//! A value taken as text, which knows whether it is safe to print as it is.

use std::borrow::Cow;

use minijinja::{AutoEscape, Error, State, Value};

use crate::render::allowance::{exhaust, spend_on_printing};

/// The text of a value. A missing one and none are empty: they print nothing, so they have no letters either.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    text: Cow<'a, str>,
    safe: bool,
}

impl<'a> Text<'a> {
    pub(super) fn of(value: &'a Value) -> Text<'a> {
        let text = match value.as_str() {
            Some(text) => Cow::Borrowed(text),
            None if value.is_none() || value.is_undefined() => Cow::Borrowed(""),
            None if spend_on_printing(value).is_err() => {
                exhaust();
                Cow::Borrowed("")
            }
            None => Cow::Owned(super::output::printed(value)),
        };
        Text { text, safe: value.is_safe() }
    }

    pub(super) fn plain(text: &'a str) -> Text<'a> {
        Text { text: Cow::Borrowed(text), safe: false }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is_safe(&self) -> bool {
        self.safe
    }

    pub(super) fn chars(&self) -> Vec<char> {
        self.text.chars().collect()
    }

    /// Text that was made of this text alone is as safe as this text.
    pub(super) fn derive(&self, text: impl Into<String>) -> Value {
        safe_if(self.safe, text.into())
    }

    /// The text as it may stand within safe text.
    pub(super) fn escaped(&self, state: &mut State<'_, '_>) -> Result<Cow<'_, str>, Error> {
        match state.auto_escape() {
            _ if self.safe => Ok(Cow::Borrowed(&self.text)),
            AutoEscape::None | AutoEscape::Html => Ok(Cow::Owned(super::output::html(&self.text))),
            _ => state.format(Value::from(self.as_str())).map(Cow::Owned),
        }
    }
}

pub(super) fn safe_if(safe: bool, text: String) -> Value {
    if safe { Value::from_safe_string(text) } else { Value::from(text) }
}

pub(super) fn escapes(state: &State<'_, '_>) -> bool {
    !matches!(state.auto_escape(), AutoEscape::None)
}

/// Whether what is printed becomes a part of a page.
pub(super) fn prints_html(state: &State<'_, '_>) -> bool {
    matches!(state.auto_escape(), AutoEscape::Html)
}

/// HTML, which is printed as it is, except into JSON: there it is a text as any other.
pub(super) fn markup(state: &State<'_, '_>, html: String) -> Value {
    safe_if(!matches!(state.auto_escape(), AutoEscape::Json), html)
}
