//! The text of an e-mail that has none of its own.

/// How wide a line of text may be, in characters: what mail programs show without wrapping.
const WIDTH: usize = 78;

/// Rules are as wide as the page, which is as wide as its longest word might be.
const STYLE: &str = "hr { display: none }";

/// The text of an HTML page: paragraphs, lists and table cells as lines, links as numbered footnotes, and nothing that the
/// page hides. No word is broken: it may be a code or a link.
pub(super) fn from_html(html: &str) -> Result<String, html2text::Error> {
    let text = html2text::config::plain_no_decorate()
        .add_css(STYLE)?
        .use_doc_css()
        .raw_mode(true)
        .no_link_wrapping()
        .link_footnotes(true)
        .string_from_read(html.as_bytes(), html.len() + WIDTH)?;
    let mut wrapped = String::with_capacity(text.len());
    for line in text.trim_end().lines() {
        wrap(line.trim_end(), &mut wrapped);
        wrapped.push('\n');
    }
    Ok(wrapped)
}

fn wrap(line: &str, wrapped: &mut String) {
    let mut column = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        let is_link_of_footnote = line.starts_with('[') && wrapped.ends_with("]:");
        if column > 0 && !is_link_of_footnote && column + 1 + length > WIDTH {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_stay_whole_whatever_is_in_them() {
        let word = "é".repeat(500);
        let page = format!("<p>a {word} b</p><hr><table><tr><td>{word}</td></tr></table><p>{word}\u{1}{word}</p>");
        let text = from_html(&page).unwrap();
        assert_eq!(text.matches(&word).count(), 4);
        assert!(!text.contains('─'));
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        let mut wrapped = String::new();
        wrap(&"word ".repeat(40), &mut wrapped);
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(wrapped.split_whitespace().count(), 40);
    }
}
