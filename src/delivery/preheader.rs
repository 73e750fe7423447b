//! The line that an inbox shows after the subject. SMTP has no field for it, so it stands hidden in the page.

use std::borrow::Cow;

/// The page with the line as the first thing in its body, unless it is there already.
pub(super) fn with_preheader<'a>(page: &'a str, preheader: &str) -> Cow<'a, str> {
    let line = escaped(preheader.trim());
    if line.is_empty() || page.contains(&line) {
        return Cow::Borrowed(page);
    }
    let (before, after) = page.split_at(start_of_body(page));
    let hidden = r#"<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">"#;
    Cow::Owned(format!("{before}{hidden}{line}</div>{after}"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Where what a page shows begins; of a page without a body, its start.
fn start_of_body(page: &str) -> usize {
    const TAG: &str = "<body";
    let is_tag = |at: &usize| {
        let follows = page.as_bytes().get(at + TAG.len());
        follows.is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>')
    };
    let tag = page
        .as_bytes()
        .windows(TAG.len())
        .enumerate()
        .filter_map(|(at, tag)| tag.eq_ignore_ascii_case(TAG.as_bytes()).then_some(at))
        .find(is_tag);
    tag.and_then(|at| Some(at + page[at..].find('>')? + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: &str = r#"<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">"#;

    #[test]
    fn the_line_is_the_first_thing_in_the_body() {
        for (before, after) in [
            ("<html><Body\nclass=\"a\">", "<p>Hi</p></body>"),
            ("<thead><bodyx></thead><body>", "ä"),
            ("", "<p>Hi</p>"),
            ("", "<body"),
        ] {
            let page = format!("{before}{after}");
            assert_eq!(
                with_preheader(&page, " 20 % & <more> "),
                format!("{before}{HIDDEN}20 % &amp; &lt;more&gt;</div>{after}")
            );
        }
    }

    #[test]
    fn a_page_that_has_the_line_is_left_alone() {
        let page = "<body><p>20 % &amp; more</p>";
        assert_eq!(with_preheader(page, "20 % & more"), page);
        assert_eq!(with_preheader(page, " "), page);
    }
}
