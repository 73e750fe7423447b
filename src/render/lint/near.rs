//! What looks like a placeholder, and is printed as it stands.

use std::ops::Range;

use super::files::{File, evaluated};
use super::{Finding, Rule};
use crate::render::scan::{Segment, Token};
use crate::render::source::placeholders_in;

/// How else a page or a link may spell the signs of a placeholder.
const DOLLARS: [&str; 5] = ["$", "%24", "&#36;", "&#x24;", "&dollar;"];
const DOTS: [&str; 2] = [".", "%2e"];

/// Placeholders that are none.
pub(super) fn placeholders(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for segment in &file.segments {
        if let Segment::Text(text) = segment {
            found.extend(in_text(file, text.clone()));
        } else if let Some(evaluated) = evaluated(file.text(), segment) {
            let texts = evaluated.tokens.into_iter();
            found.extend(texts.filter_map(|(at, token)| match token {
                Token::Text(text) => in_string(file, at + 1, text),
                _ => None,
            }));
        }
    }
    found
}

fn in_text(file: &File, text: Range<usize>) -> Vec<Finding> {
    let source = file.text();
    let read: Vec<Range<usize>> = placeholders_in(source, text.clone()).map(|(range, _)| range).collect();
    let mut found = Vec::new();
    let mut at = text.start;
    while let Some((start, near)) = next(source, at..text.end) {
        at = near.end;
        let touching = read.iter().find(|placeholder| placeholder.start <= start && start < placeholder.end);
        match touching {
            Some(placeholder) if placeholder.start == start => at = placeholder.end - 1,
            touching => found.push(finding(file, start, &near, touching.is_some())),
        }
    }
    found
}

fn finding(file: &File, start: usize, near: &Near, shares: bool) -> Finding {
    let shown = shortened(&file.text()[start..near.end]);
    let message = format!("'{shown}' looks like a placeholder and is none: it is printed as it stands");
    let name = near.name.as_deref();
    let help = if shares {
        "two placeholders cannot share a $: write one of its own at each end".to_owned()
    } else {
        let exact = format!("write $cst.{}.coupon$", name.unwrap_or("POOL"));
        format!("{exact}: lower case, in one piece, without tags, spaces or % signs in it")
    };
    file.finding(Rule::NearPlaceholder, start, message, help)
}

/// A text within an expression is data, also where it has the exact form.
fn in_string(file: &File, start: usize, text: &str) -> Option<Finding> {
    let (at, near) = next(file.text(), start..start + text.len())?;
    let shown = shortened(&file.text()[at..near.end]);
    let message = format!("'{shown}' is no placeholder within an expression: it is printed as it stands");
    let name = near.name.as_deref().unwrap_or("POOL");
    let help = format!("write vouchers['{name}'].assign_available(per='customer'), joined to the rest with ~");
    Some(file.finding(Rule::NearPlaceholder, at, message, help))
}

/// Something that begins like a placeholder.
struct Near {
    end: usize,
    /// The pool, where the rest is like a placeholder's, too.
    name: Option<String>,
}

fn next(source: &str, range: Range<usize>) -> Option<(usize, Near)> {
    let starts = range.clone().filter(|at| matches!(source.as_bytes()[*at], b'$' | b'%' | b'&'));
    starts.into_iter().find_map(|at| Some((at, near(&source[..range.end], at)?)))
}

fn near(source: &str, start: usize) -> Option<Near> {
    let at = one_of(source, start, &DOLLARS)?;
    let at = letters(source, at, "cst")?;
    let end = one_of(source, past_tags(source, at), &DOTS)?;
    Some(whole(source, end).unwrap_or_else(|| Near { end: end_of_word(source, end), name: None }))
}

fn end_of_word(source: &str, at: usize) -> usize {
    let rest = &source[at..];
    let in_a_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$');
    at + rest.find(|c| !in_a_word(c)).unwrap_or(rest.len())
}

/// The rest behind `$cst.`, if it is like that of a placeholder.
fn whole(source: &str, at: usize) -> Option<Near> {
    let mut at = past(source, at);
    let begin = at;
    let rest = &source[at..];
    at += rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
    let name = &source[begin..at];
    at = one_of(source, past(source, at), &DOTS)?;
    at = letters(source, past(source, at), "coupon")?;
    let end = one_of(source, past(source, at), &DOLLARS)?;
    Some(Near { end, name: (!name.is_empty()).then(|| name.to_owned()) })
}

/// Past the letters of a word, in whatever case, with tags between them.
fn letters(source: &str, mut at: usize, word: &str) -> Option<usize> {
    for letter in word.bytes() {
        at = past_tags(source, at);
        at += source.as_bytes().get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(&letter)).then_some(1)?;
    }
    Some(at)
}

fn one_of(source: &str, at: usize, spellings: &[&str]) -> Option<usize> {
    let begins = |spelling: &&&str| {
        source.as_bytes()[at..]
            .get(..spelling.len())
            .is_some_and(|bytes| bytes.eq_ignore_ascii_case(spelling.as_bytes()))
    };
    spellings.iter().find(begins).map(|spelling| at + spelling.len())
}

/// Past tags and white space.
fn past(source: &str, mut at: usize) -> usize {
    loop {
        let start = at;
        at = past_tags(source, at);
        at = source.len() - source[at..].trim_start().len();
        if at == start {
            return at;
        }
    }
}

/// The longest tag that is looked past.
const TAG: usize = 1_000;

/// Past whole tags, such as an editor puts between the letters of a word.
fn past_tags(source: &str, mut at: usize) -> usize {
    while let [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'/', ..] = source.as_bytes()[at..] {
        match source.as_bytes()[at..].iter().take(TAG).position(|byte| *byte == b'>') {
            Some(end) => at += end + 1,
            None => break,
        }
    }
    at
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
