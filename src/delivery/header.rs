//! Texts as headers of an e-mail: RFC 5322 and, for what is not plain, RFC 2047.
//!
//! A subject holds what customers wrote. What would end its line is refused, and what could read as something else is encoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{HeaderName, HeaderValue};

use super::invalid;
use crate::error::Result;

/// What some reader takes for the end of a header, or of a text.
const ENDS: [char; 6] = ['\r', '\n', '\0', '\u{85}', '\u{2028}', '\u{2029}'];
/// How many bytes of a text one encoded word takes: they become 52 characters, and a line with one has 76 at most.
const WORD: usize = 39;
/// The longest word that stands as it is, in bytes.
const PLAIN_WORD: usize = 60;

/// A header with a text of one line.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the text has a line break or NUL; the message does not repeat it.
pub(super) fn text(name: &'static str, text: &str) -> Result<HeaderValue> {
    check(name, text)?;
    let name = HeaderName::new_from_ascii_str(name);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim().to_owned();
    if is_plain(&text) {
        return Ok(HeaderValue::new(name, text));
    }
    let encoded = encoded_words(&text);
    Ok(HeaderValue::dangerous_new_pre_encoded(name, text, encoded))
}

/// Refuses what would end a header.
pub(super) fn check(name: &str, text: &str) -> Result<()> {
    if !text.contains(ENDS) {
        return Ok(());
    }
    let help = "take it out: nothing is sent with a header that could become two";
    Err(invalid(format!("what becomes the header {name} has a line break or a NUL in it")).with_help(help))
}

/// Whether a text may stand as it is. One with `=?` could be taken for an encoded word.
fn is_plain(text: &str) -> bool {
    let is_plain_word = |word: &str| word.len() <= PLAIN_WORD && word.bytes().all(|byte| byte.is_ascii_graphic());
    !text.contains("=?") && text.split(' ').all(is_plain_word)
}

/// A text in words that are cut between characters, each on a line of its own.
fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let fits = |end: &usize| rest.is_char_boundary(*end);
        let end = (1..=rest.len().min(WORD)).rev().find(fits).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use lettre::message::header::Headers;

    use super::*;

    fn line(subject: &str) -> String {
        let mut headers = Headers::new();
        headers.insert_raw(text("Subject", subject).unwrap());
        headers.to_string()
    }

    #[test]
    fn a_plain_text_stands_as_it_is() {
        assert_eq!(line("Your code, Ada: SPR-7Q2K"), "Subject: Your code, Ada: SPR-7Q2K\r\n");
        assert_eq!(line(""), "Subject: \r\n");
    }

    #[test]
    fn what_would_end_its_line_is_refused_and_not_repeated() {
        for attack in
            ["a\r\nBcc: eve@example.com", "a\nBcc: e", "a\r", "a\0b", "a\u{85}b", "a\u{2028}Bcc: e", "ä\r\n\r\nBody"]
        {
            let error = text("Subject", attack).unwrap_err();
            assert_eq!(
                error.to_string(),
                "what becomes the header Subject has a line break or a NUL in it",
                "{attack:?}"
            );
        }
        assert_eq!(line("a\tb\u{7}"), "Subject: a b\r\n", "other control characters are white space");
    }

    #[test]
    fn what_looks_encoded_is_encoded() {
        assert_eq!(line("=?utf-8?Q?=0D=0ABcc?="), "Subject: =?utf-8?B?PT91dGYtOD9RPz0wRD0wQUJjYz89?=\r\n");
    }

    #[test]
    fn no_line_is_too_long() {
        for subject in ["x".repeat(5_000), "ä".repeat(500), "🎟️".repeat(300), "word ".repeat(200)] {
            assert!(line(&subject).split("\r\n").all(|line| line.len() <= 76), "{}", line(&subject));
        }
    }
}
