//! What Tearoff adds to Jinja's syntax, read in the author's source before the engine sees it.
//!
//! `$cst.<name>.coupon$` in literal text and the statement `{% abort %}` are rewritten into calls that the engine knows; what
//! is compared with a number passes through a filter that refuses text, and what is put into a namespace through one that
//! refuses other namespaces.
//! Only the author's text is read: data is inserted later and never looked at again.

use std::ops::Range;

use super::allowance::LITERAL_FILTER;
use super::mentions;
use super::operators::counted;
use super::scan::{Segment, keyword, segments};
use super::ticks::tick;

/// The function that a placeholder becomes.
pub(super) const COUPON_FUNCTION: &str = "__coupon";
/// The filter that what is compared with a number passes through.
pub(super) const COMPARED_FILTER: &str = "__compared";
/// The filter that what is put into a namespace passes through.
pub(super) const KEPT_FILTER: &str = "__kept";
/// The longest name of a pool, in bytes.
const NAME_LIMIT: usize = 64;

/// An author's source, made ready for the engine.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What the author wrote.
    pub(super) original: String,
    /// What the engine compiles; `None` where it is the same.
    rewritten: Option<String>,
    edits: Vec<Edit>,
}

/// A stretch of the original and the stretch that stands for it.
#[derive(Debug, Clone)]
struct Edit {
    original: Range<usize>,
    rewritten: Range<usize>,
}

impl Source {
    /// Reads the source of a file of this name: in a `.json` file, a placeholder between quotes becomes a part of that string.
    pub(super) fn new(file: &str, original: impl Into<String>) -> Source {
        let original = original.into();
        let replacements = replacements(&original, file.ends_with(".json"));
        Source::with(original, replacements)
    }

    /// Reads an expression that stands alone.
    pub(super) fn expression(original: impl Into<String>) -> Source {
        let original = original.into();
        let mut replacements: Vec<_> = compared(&original, 0..original.len()).collect();
        replacements.extend(counted(&original, 0..original.len(), false));
        in_order(&mut replacements);
        Source::with(original, replacements)
    }

    /// A source that is only looked at.
    pub(super) fn unread(original: impl Into<String>) -> Source {
        Source::with(original.into(), Vec::new())
    }

    fn with(original: String, replacements: Vec<(Range<usize>, String)>) -> Source {
        if replacements.is_empty() {
            return Source { original, rewritten: None, edits: Vec::new() };
        }
        let mut rewritten = String::with_capacity(original.len() + 32 * replacements.len());
        let mut edits = Vec::with_capacity(replacements.len());
        let mut copied = 0;
        for (range, replacement) in replacements {
            rewritten.push_str(&original[copied..range.start]);
            let start = rewritten.len();
            rewritten.push_str(&replacement);
            copied = range.end;
            edits.push(Edit { original: range, rewritten: start..rewritten.len() });
        }
        rewritten.push_str(&original[copied..]);
        Source { original, rewritten: Some(rewritten), edits }
    }

    /// The text to compile.
    pub(super) fn text(&self) -> &str {
        self.rewritten.as_deref().unwrap_or(&self.original)
    }

    /// Where a range of the compiled text stands in the author's.
    pub(super) fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let start = self.original_offset(range.start, |edit| edit.original.start);
        let end = self.original_offset(range.end, |edit| edit.original.end);
        start..end.max(start)
    }

    fn original_offset(&self, offset: usize, inside: impl Fn(&Edit) -> usize) -> usize {
        match self.edits.iter().rev().find(|edit| edit.rewritten.start < offset) {
            None => offset,
            Some(edit) if offset < edit.rewritten.end => inside(edit),
            Some(edit) => edit.original.end + (offset - edit.rewritten.end),
        }
    }

    /// Line and column, both from 1, of a byte of the author's text.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.original[..floor_boundary(&self.original, offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What is rewritten, in order: the range in the original and what stands there instead.
fn replacements(source: &str, json: bool) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let (mut quoted, mut repeated) = (false, 0usize);
    for segment in segments(source) {
        match segment {
            Segment::Text(text) => {
                found.extend(counted_literal(source, text.clone(), repeated > 0));
                let mut read = text.start;
                for (range, name) in placeholders_in(source, text.clone()) {
                    quoted ^= json && changes_quoting(&source[read..range.start]);
                    read = range.end;
                    let within = if quoted { ", true" } else { "" };
                    let call = format!("{{{{{COUPON_FUNCTION}('{name}'{within})}}}}");
                    found.push(apart_from_brace(source, range, call));
                }
                quoted ^= json && changes_quoting(&source[read..text.end]);
            }
            Segment::Statement(range) if range.end < source.len() && keyword(&source[range.clone()]) == "abort" => {
                let call = source[range.clone()].replacen("abort", "abort()", 1);
                found.push((range.start - 2..range.end + 2, format!("{{{{{call}}}}}")));
            }
            Segment::Expression(range) => {
                found.extend(compared(source, range.clone()));
                found.extend(counted(source, range, false));
            }
            Segment::Statement(range) => {
                let is_repeated = repeated > 0;
                repeated = match keyword(&source[range.clone()]).split([' ', '\n', '(']).next() {
                    Some("for" | "macro" | "call") => repeated + 1,
                    Some("endfor" | "endmacro" | "endcall") => repeated.saturating_sub(1),
                    _ => repeated,
                };
                let kept = mentions::put_into_namespace(source, range.clone());
                found.extend(kept.iter().map(|value| (value.start..value.start, "(".to_owned())));
                found.extend(is_repeated.then(|| tick(source, range.clone())).flatten());
                found.extend(compared(source, range.clone()));
                found.extend(counted(source, range, true));
                found.extend(kept.iter().map(|value| (value.end..value.end, format!(")|{KEPT_FILTER}"))));
            }
            Segment::Raw(_) => {}
        }
    }
    in_order(&mut found);
    found
}

/// From how many bytes on literal text is counted: to the engine it is one instruction, however long it is.
const REPEATED_LITERAL: usize = 64;
const LITERAL: usize = 1024;

/// A call that counts a literal text. It stands before the first letter, so that white-space control does to the text what it did.
fn counted_literal(source: &str, text: Range<usize>, is_repeated: bool) -> Option<(Range<usize>, String)> {
    if text.len() < if is_repeated { REPEATED_LITERAL } else { LITERAL } {
        return None;
    }
    let words = source[text.clone()].trim_start();
    let at = if words.is_empty() { text.start + text.len() / 2 } else { text.end - words.len() };
    let at = floor_boundary(source, at);
    Some((at..at, format!("{{{{''|{LITERAL_FILTER}({})}}}}", text.len())))
}

/// What is put in at a place stands before what is replaced there.
fn in_order(replacements: &mut [(Range<usize>, String)]) {
    replacements.sort_by_key(|(range, _)| (range.start, range.end));
}

/// What is compared with a number passes through a filter.
fn compared(source: &str, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, String)> {
    mentions::compared_with_numbers(source, range).into_iter().map(|(at, path)| {
        let name = serde_json::Value::from(path);
        (at.clone(), format!("{}|{COMPARED_FILTER}({name})", &source[at]))
    })
}

/// A literal brace right before a placeholder would open something else together with the call's: it is printed by one too.
fn apart_from_brace(source: &str, range: Range<usize>, call: String) -> (Range<usize>, String) {
    if source[..range.start].ends_with('{') {
        (range.start - 1..range.end, format!("{{{{'{{'|safe}}}}{call}"))
    } else {
        (range, call)
    }
}

pub(super) fn placeholders(source: &str) -> Vec<(Range<usize>, &str)> {
    let text = |segment| if let Segment::Text(range) = segment { Some(range) } else { None };
    segments(source).into_iter().filter_map(text).flat_map(|range| placeholders_in(source, range)).collect()
}

/// Whether a stretch of JSON ends inside a string if it began outside one, and the other way round.
fn changes_quoting(json: &str) -> bool {
    let mut escaped = false;
    let quotes = json.bytes().filter(|byte| {
        let counts = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        counts
    });
    quotes.count() % 2 == 1
}

/// The placeholders `$cst.<name>.coupon$` in a stretch of text, leftmost first, none overlapping.
pub(super) fn placeholders_in(source: &str, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, &str)> {
    const OPEN: &str = "$cst.";
    const CLOSE: &str = ".coupon$";
    let mut at = range.start;
    std::iter::from_fn(move || {
        loop {
            let start = at + source[at..range.end].find(OPEN)?;
            let name_start = start + OPEN.len();
            let name = name_at(&source[name_start..range.end]);
            let close = name_start + name.len();
            if !name.is_empty() && source[close..range.end].starts_with(CLOSE) {
                at = close + CLOSE.len();
                return Some((start..at, name));
            }
            at = name_start;
        }
    })
}

/// The name at the beginning of `text`, empty where there is none that is valid.
fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    let name = &text[..end];
    if name.len() <= NAME_LIMIT && name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_read_in_literal_text_only() {
        let source = "$cst.a.coupon$ {{ '$cst.a.coupon$' }} {% set x = '$cst.a.coupon$' %} {# $cst.a.coupon$ #}{% raw %}$cst.a.coupon${% endraw %}";
        assert_eq!(Source::new("a.txt", source).text().matches(COUPON_FUNCTION).count(), 1);
    }

    #[test]
    fn only_the_exact_form_is_a_placeholder() {
        let long = format!("$cst.{}.coupon$", "a".repeat(65));
        for source in [
            "$cst..coupon$",
            "$cst.a.b.coupon$",
            "$CST.a.coupon$",
            "$cst.a.coupon",
            "$cst.-a.coupon$",
            "$5 and $10",
            "$cst.a .coupon$",
            &long,
        ] {
            assert_eq!(Source::new("a.txt", source).text(), source);
        }
        assert_eq!(Source::new("a.txt", "$cst.a.coupon$cst.b.coupon$").text(), "{{__coupon('a')}}cst.b.coupon$");
        assert_eq!(Source::new("a.txt", "$$cst.a.coupon$$").text(), "${{__coupon('a')}}$");
        assert_eq!(Source::new("a.txt", "$cst.$cst.a.coupon$").text(), "$cst.{{__coupon('a')}}");
    }

    #[test]
    fn a_quoted_placeholder_of_json_becomes_a_part_of_its_string() {
        let source = Source::new(
            "a.json",
            r#"{"a\"b": "x $cst.a.coupon$", "c": $cst.b.coupon$, "d": {{ x }}, "e": "$cst.c.coupon$"}"#,
        );
        let expected = r#"{"a\"b": "x {{__coupon('a', true)}}", "c": {{__coupon('b')}}, "d": {{ x }}, "e": "{{__coupon('c', true)}}"}"#;
        assert_eq!(source.text(), expected);
    }

    #[test]
    fn abort_becomes_a_call_with_its_white_space_control() {
        assert_eq!(
            Source::new("a.txt", "{% if x %}{%- abort -%}{% endif %}").text(),
            "{% if x %}{{- abort() -}}{% endif %}"
        );
        assert_eq!(Source::new("a.txt", "{% abortive %}").text(), "{% abortive %}");
    }

    #[test]
    fn places_are_those_of_the_author() {
        let source = Source::new("a.txt", "é $cst.spring.coupon$ {{ oops }}\n{{ more }}");
        let at = source.text().find("oops").unwrap();
        let range = source.original_range(at..at + 4);
        assert_eq!(&source.original[range.clone()], "oops");
        assert_eq!(source.position(range.start), (1, 26));
        let inside = source.text().find("__coupon").unwrap();
        assert_eq!(&source.original[source.original_range(inside..inside + 3)], "$cst.spring.coupon$");
        assert_eq!(source.position(source.original.find("more").unwrap()), (2, 4));
    }
}
