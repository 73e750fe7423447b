//! Splits an author's source into literal text and the places where the engine evaluates.

use std::ops::Range;

/// One stretch of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Printed as it stands.
    Text(Range<usize>),
    /// Between `{{` and `}}`, both excluded.
    Expression(Range<usize>),
    /// Between `{%` and `%}`, both excluded.
    Statement(Range<usize>),
    /// The inside of a `raw` block: printed as it stands, and never evaluated.
    Raw(Range<usize>),
}

/// The segments of `source`, in order. Comments are in none of them.
///
/// What is left open at the end is left to the engine's parser, which says so with its place.
pub(super) fn segments(source: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = next_opening(source, at) {
        if open > at {
            found.push(Segment::Text(at..open));
        }
        let inside = open + 2;
        at = match &source[open..inside] {
            "{#" => end_of(source, inside, "#}"),
            "{{" => {
                let close = closing(source, inside, "}}");
                found.push(Segment::Expression(inside..close));
                (close + 2).min(source.len())
            }
            _ => {
                let close = closing(source, inside, "%}");
                let after = (close + 2).min(source.len());
                if keyword(&source[inside..close]) == "raw" {
                    let (inside, behind) = end_of_raw(source, after);
                    found.push(Segment::Raw(after..inside));
                    behind
                } else {
                    found.push(Segment::Statement(inside..close));
                    after
                }
            }
        };
    }
    if at < source.len() {
        found.push(Segment::Text(at..source.len()));
    }
    found
}

/// The statement without its marks of white-space control: `- abort -` is `abort`.
pub(super) fn keyword(statement: &str) -> &str {
    statement.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim()
}

fn next_opening(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut at = from;
    loop {
        at += source[at..].find('{')?;
        if matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')) {
            return Some(at);
        }
        at += 1;
    }
}

fn end_of(source: &str, from: usize, mark: &str) -> usize {
    source[from..].find(mark).map_or(source.len(), |found| from + found + mark.len())
}

/// Where `mark` stands outside string literals and, for `}}`, outside `{…}` literals.
fn closing(source: &str, from: usize, mark: &str) -> usize {
    let bytes = source.as_bytes();
    let (mut at, mut braces) = (from, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => at = end_of_string(bytes, at + 1, quote),
            _ if braces == 0 && bytes[at..].starts_with(mark.as_bytes()) => return at,
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    source.len()
}

/// The index of the quote that ends the string which begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// Where the inside of a `raw` block ends, and where its last statement does.
fn end_of_raw(source: &str, from: usize) -> (usize, usize) {
    let mut at = from;
    while let Some(found) = source[at..].find("{%") {
        let inside = at + found;
        at = inside + "{%".len();
        if let Some(length) = end_of_endraw(&source[at..]) {
            return (inside, at + length);
        }
    }
    (source.len(), source.len())
}

/// How long the rest of an `endraw` statement is that begins here. What is none is not read to its end, which may be far away.
fn end_of_endraw(statement: &str) -> Option<usize> {
    let past_mark = |text: &'_ str| text.len() - text.strip_prefix(['-', '+']).unwrap_or(text).len();
    let name = statement[past_mark(statement)..].trim_start();
    let close = name.strip_prefix("endraw")?.trim_start();
    let behind = close[past_mark(close)..].strip_prefix("%}")?;
    Some(statement.len() - behind.len())
}

/// A token of an expression, as far as names and paths are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    Name(&'s str),
    Text(&'s str),
    Mark(char),
}

/// The tokens of an expression or statement with their places in `source`.
pub(super) fn tokens(source: &str, range: Range<usize>) -> Vec<(usize, Token<'_>)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let rest = &source[at..range.end];
        let Some(first) = rest.chars().next() else { break };
        let length = if first == '"' || first == '\'' {
            let close = end_of_string(bytes, at + 1, first as u8).min(range.end);
            found.push((at, Token::Text(&source[at + 1..close])));
            close + 1 - at
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push((at, Token::Name(&rest[..length])));
            length
        } else {
            if !first.is_whitespace() {
                found.push((at, Token::Mark(first)));
            }
            first.len_utf8()
        };
        at += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<String> {
        segments(source)
            .into_iter()
            .map(|segment| match segment {
                Segment::Text(range) => format!("text {}", &source[range]),
                Segment::Expression(range) => format!("expression {}", &source[range]),
                Segment::Statement(range) => format!("statement {}", &source[range]),
                Segment::Raw(range) => format!("raw {}", &source[range]),
            })
            .collect()
    }

    #[test]
    fn strings_and_dictionaries_do_not_close_an_expression() {
        assert_eq!(shown("{{ '}}' ~ \"\\\"}}\" }}x"), ["expression  '}}' ~ \"\\\"}}\" ", "text x"]);
        assert_eq!(shown("{{ {'a': {'b': 1}} }}x"), ["expression  {'a': {'b': 1}} ", "text x"]);
    }

    #[test]
    fn comments_are_left_out_and_raw_blocks_are_not_read() {
        assert_eq!(
            shown("a{# {{ b }} #}c{%- raw -%}{{ d }}{% endraw %}e"),
            ["text a", "text c", "raw {{ d }}", "text e"]
        );
        assert_eq!(shown("{% raw %}{% if %}{%+ endraw %}e"), ["raw {% if %}", "text e"]);
        assert_eq!(
            shown("{% raw %}{% endrawx %}{%{%-endraw-%}e{% raw %}{% endraw"),
            ["raw {% endrawx %}{%", "text e", "raw {% endraw"]
        );
    }

    #[test]
    fn a_raw_block_full_of_openings_takes_linear_time() {
        let source = format!("{{% raw %}}{}%}}", "{%".repeat(500_000));
        assert_eq!(segments(&source), [Segment::Raw(9..source.len())]);
    }

    #[test]
    fn whatever_is_left_open_reaches_to_the_end() {
        for source in ["{{ a", "{% a", "{# a", "{% raw %} a", "{{ 'a", "{", "{{", "{%", "é{{é"] {
            segments(source);
        }
    }
}
