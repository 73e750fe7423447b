//! Where in a page's markup the values stand.
//!
//! One pass over the literal text tells tags, attributes and scripts apart as a browser would; what the engine prints between
//! them stands where the pass is then. The branches of an `if` begin where the `if` stands.

use std::ops::Range;

use super::files::{File, evaluated};
use crate::render::scan::{Segment, Token};
use crate::render::source::placeholders_in;

/// What the other rules ask for.
pub(super) enum Spot {
    /// A value in an attribute without quotes, as the index of its segment.
    Unquoted(usize, Range<usize>),
    /// A value in a script.
    Script(usize, Range<usize>),
    /// A value in the quoted script of an event handler, such as `onclick`.
    Handler(usize, Range<usize>, Quote),
    /// A value in a URL, behind its beginning.
    Url(usize, Range<usize>),
    /// How the value of `href` or `src` begins, up to the first value.
    Link(Range<usize>),
}

/// What stands around an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Single,
    Double,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    Comment,
    /// A declaration, or a closing tag.
    Passed,
    TagName,
    Tag,
    AttributeName,
    AfterName,
    BeforeValue,
    Quoted(u8),
    Unquoted,
    /// The inside of a script or style.
    Raw,
    /// A part that is no page, but a URL.
    Url,
}

#[derive(Clone)]
struct Cursor {
    state: State,
    element: Range<usize>,
    attribute: Range<usize>,
    /// Where the value of a link begins that is nothing but literal so far.
    link: Option<usize>,
}

struct Reader<'s> {
    html: &'s str,
    cursor: Cursor,
    open: Vec<Cursor>,
    spots: Vec<Spot>,
}

/// The spots of a page or a piece of one, or of a part that is a URL, which is read like the value of an `href`.
pub(super) fn spots(file: &File) -> Vec<Spot> {
    let html = file.text();
    let (state, link) = if file.is_url() { (State::Url, Some(0)) } else { (State::Text, None) };
    let cursor = Cursor { state, element: 0..0, attribute: 0..0, link };
    let mut reader = Reader { html, cursor, open: Vec::new(), spots: Vec::new() };
    for (index, segment) in file.segments.iter().enumerate() {
        match segment {
            Segment::Text(text) => reader.text_with_placeholders(index, text.clone()),
            Segment::Raw(text) => reader.text(text.clone()),
            Segment::Expression(range) => reader.value(index, range.start - 2..(range.end + 2).min(html.len())),
            Segment::Statement(range) => {
                let found = evaluated(html, segment);
                let is_assignment = found
                    .as_ref()
                    .is_some_and(|found| found.tokens.iter().any(|(_, token)| *token == Token::Mark('=')));
                let word = found.and_then(|found| found.statement).unwrap_or_default();
                reader.statement(word, is_assignment, range.start - 2..(range.end + 2).min(html.len()));
            }
        }
    }
    if file.is_url() {
        reader.end_link(html.len());
    }
    reader.spots
}

impl Reader<'_> {
    fn text_with_placeholders(&mut self, index: usize, text: Range<usize>) {
        let mut read = text.start;
        for (range, _) in placeholders_in(self.html, text.clone()) {
            self.text(read..range.start);
            self.value(index, range.clone());
            read = range.end;
        }
        self.text(read..text.end);
    }

    fn text(&mut self, text: Range<usize>) {
        let mut at = text.start;
        while at < text.end {
            at += self.step(at, text.end);
        }
    }

    fn value(&mut self, index: usize, range: Range<usize>) {
        let begins = self.cursor.link.is_some_and(|link| self.is_blank(link..range.start));
        self.end_link(range.start);
        match self.cursor.state {
            State::Url if !begins && !self.html[..range.start].ends_with("://") => {
                self.spots.push(Spot::Url(index, range));
            }
            State::Quoted(quote) if self.is_handler() => {
                let quote = if quote == b'"' { Quote::Double } else { Quote::Single };
                self.spots.push(Spot::Handler(index, range, quote));
            }
            State::BeforeValue | State::Unquoted => {
                self.cursor.state = State::Unquoted;
                self.spots.push(Spot::Unquoted(index, range));
            }
            State::Raw if self.element_is("script") => self.spots.push(Spot::Script(index, range)),
            State::Tag | State::AfterName => {
                self.cursor.state = State::AttributeName;
                self.cursor.attribute = range.end..range.end;
            }
            _ => {}
        }
    }

    fn statement(&mut self, word: &str, is_assignment: bool, at: Range<usize>) {
        if self.cursor.link.is_some_and(|link| !self.is_blank(link..at.start)) {
            self.end_link(at.start);
        }
        match word {
            "if" | "for" => self.open.push(self.cursor.clone()),
            "elif" | "else" => self.cursor = self.open.last().cloned().unwrap_or_else(|| self.cursor.clone()),
            "endif" | "endfor" => drop(self.open.pop()),
            "macro" | "call" => self.begin_elsewhere(),
            "set" if !is_assignment => self.begin_elsewhere(),
            "endmacro" | "endcall" | "endset" => self.cursor = self.open.pop().unwrap_or_else(|| self.cursor.clone()),
            _ => {}
        }
        // A link of which nothing is printed yet begins behind the statement.
        self.cursor.link = self.cursor.link.map(|_| at.end);
    }

    /// What follows is printed somewhere else, if at all.
    fn begin_elsewhere(&mut self) {
        self.open.push(self.cursor.clone());
        self.cursor.state = State::Text;
    }

    fn element_is(&self, name: &str) -> bool {
        self.html[self.cursor.element.clone()].eq_ignore_ascii_case(name)
    }

    fn is_handler(&self) -> bool {
        let attribute = &self.html[self.cursor.attribute.clone()];
        attribute.len() > 2 && attribute.get(..2).is_some_and(|on| on.eq_ignore_ascii_case("on"))
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.html.get(range).is_none_or(|text| past_blank(text).is_empty())
    }

    fn begin_link(&mut self, at: usize) {
        let attribute = &self.html[self.cursor.attribute.clone()];
        let is_link = ["href", "src"].iter().any(|name| attribute.eq_ignore_ascii_case(name));
        self.cursor.link = is_link.then_some(at);
    }

    fn end_link(&mut self, end: usize) {
        if let Some(start) = self.cursor.link.take() {
            // Around an address that is a part of its own, white space does not count.
            let start = if self.cursor.state == State::Url {
                end - past_blank(self.html.get(start..end).unwrap_or_default()).len()
            } else {
                start
            };
            self.spots.push(Spot::Link(start..end));
        }
    }

    /// Reads what stands at `at`, and gives how long it is.
    fn step(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.html.as_bytes()[at..end];
        let byte = rest[0];
        match self.cursor.state {
            State::Text => return self.in_text(at, rest),
            State::Comment if rest.starts_with(b"-->") => self.cursor.state = State::Text,
            State::Passed if byte == b'>' => self.cursor.state = State::Text,
            State::Raw => {
                let closing = rest.strip_prefix(b"</").unwrap_or_default();
                let element = &self.html.as_bytes()[self.cursor.element.clone()];
                if closing.get(..element.len()).is_some_and(|name| name.eq_ignore_ascii_case(element)) {
                    self.cursor.state = State::Passed;
                }
            }
            State::Comment | State::Passed | State::Url => {}
            State::TagName | State::Tag | State::AttributeName | State::AfterName => self.in_tag(at, byte),
            State::BeforeValue => self.before_value(at, byte),
            State::Quoted(quote) if byte == quote => {
                self.end_link(at);
                self.cursor.state = State::Tag;
            }
            State::Unquoted if byte.is_ascii_whitespace() || byte == b'>' => {
                self.end_link(at);
                self.in_tag(at, byte);
            }
            State::Quoted(_) | State::Unquoted => {}
        }
        1
    }

    fn in_text(&mut self, at: usize, rest: &[u8]) -> usize {
        match rest {
            [b'<', b'!', b'-', b'-', ..] => {
                self.cursor.state = State::Comment;
                return "<!--".len();
            }
            [b'<', b'!' | b'?', ..] | [b'<', b'/', b'a'..=b'z' | b'A'..=b'Z', ..] => self.cursor.state = State::Passed,
            [b'<', b'a'..=b'z' | b'A'..=b'Z', ..] => {
                self.cursor.state = State::TagName;
                self.cursor.element = at + 1..at + 1;
            }
            _ => {}
        }
        1
    }

    fn in_tag(&mut self, at: usize, byte: u8) {
        self.cursor.state = match (self.cursor.state, byte) {
            (_, b'>') if self.element_is("script") || self.element_is("style") => State::Raw,
            (_, b'>') => State::Text,
            (State::AttributeName | State::AfterName, b'=') => State::BeforeValue,
            (State::AttributeName | State::AfterName, b' ' | b'\t' | b'\n' | b'\r') => State::AfterName,
            (_, b' ' | b'\t' | b'\n' | b'\r' | b'/') => State::Tag,
            (State::TagName, _) => {
                self.cursor.element.end = at + 1;
                State::TagName
            }
            (State::AttributeName, _) => {
                self.cursor.attribute.end = at + 1;
                State::AttributeName
            }
            _ => {
                self.cursor.attribute = at..at + 1;
                State::AttributeName
            }
        };
    }

    fn before_value(&mut self, at: usize, byte: u8) {
        match byte {
            b'"' | b'\'' => {
                self.cursor.state = State::Quoted(byte);
                self.begin_link(at + 1);
            }
            b'>' => self.in_tag(at, byte),
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                self.cursor.state = State::Unquoted;
                self.begin_link(at);
            }
        }
    }
}

/// The text behind white space and comments.
fn past_blank(text: &str) -> &str {
    let text = text.trim_start();
    match text.strip_prefix("{#").and_then(|comment| comment.split_once("#}")) {
        Some((_, rest)) => past_blank(rest),
        None => text,
    }
}
