//! Messages that are too long whatever their values are.
//!
//! Counted is what the author wrote and every message shows: of the branches of an `if` the shortest, of a loop nothing.

use super::files::{File, Files, evaluated};
use super::gsm::septets;
use super::{Finding, Rule};
use crate::render::mentions::included_by;
use crate::render::scan::{Segment, Token};
use crate::render::source::placeholders_in;
use crate::voucher::Channel;

/// Where Gmail clips a message.
const CLIPPED: usize = 102 << 10;

const SHORTEN: &str = "shorten it, or send it for the price of several";
const REPLACE: &str = "write it with characters of the GSM alphabet, or shorten it";
const LIGHTEN: &str = "shorten it: begin with styles that stand in every element";

/// The least that a stretch of a template prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Least {
    /// In the alphabet of text messages, if it can do with that.
    septets: Option<usize>,
    /// In UTF-16, as a text message is written that has other characters.
    units: usize,
    bytes: usize,
}

const NOTHING: Least = Least { septets: Some(0), units: 0, bytes: 0 };

impl Least {
    fn of(text: &str) -> Least {
        let septets = text.chars().map(septets).sum();
        Least { septets, units: text.encode_utf16().count(), bytes: text.len() }
    }

    fn and(self, other: Least) -> Least {
        let septets = self.septets.zip(other.septets).map(|(one, other)| one + other);
        Least { septets, units: self.units + other.units, bytes: self.bytes + other.bytes }
    }

    /// The least of both, in each way of counting.
    fn or(self, other: Least) -> Least {
        let septets = [self.septets, other.septets].into_iter().flatten().min();
        Least { septets, units: self.units.min(other.units), bytes: self.bytes.min(other.bytes) }
    }

    /// The segments of a text message: a single one has more room than each of several.
    fn segments(self) -> usize {
        let segments =
            |length: usize, single: usize, each: usize| if length <= single { 1 } else { length.div_ceil(each) };
        let wide = segments(self.units, 70, 67);
        self.septets.map_or(wide, |septets| wide.min(segments(septets, 160, 153)))
    }
}

/// A text message of several segments, and an e-mail that Gmail clips.
pub(super) fn too_long(files: &Files, channel: Channel) -> Vec<Finding> {
    let part = |name: &str| files.parts().iter().find(|file| file.part == name);
    match channel {
        Channel::Sms => part("body.txt").and_then(|file| long_sms(files, file)).into_iter().collect(),
        Channel::Email => part("body.html").and_then(|file| large_email(files, file)).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn long_sms(files: &Files, file: &File) -> Option<Finding> {
    let least = least(files, file, &mut Vec::new());
    let segments = least.segments();
    if segments < 2 {
        return None;
    }
    let (offset, why, help) = match least.septets {
        Some(septets) => (0, format!("it has {septets} characters without the values, and one segment 160"), SHORTEN),
        None => match first_foreign(file) {
            Some((at, sign)) => {
                (at, format!("'{sign}' is outside the GSM alphabet, so one has 70 characters"), REPLACE)
            }
            None => (0, "a character is outside the GSM alphabet, so one has 70 characters".to_owned(), REPLACE),
        },
    };
    let message = format!("this text message takes {segments} segments at least: {why}");
    Some(file.finding(Rule::LongSms, offset, message, help))
}

fn large_email(files: &Files, file: &File) -> Option<Finding> {
    let bytes = least(files, file, &mut Vec::new()).bytes;
    let (size, limit) = (bytes.div_ceil(1 << 10), CLIPPED >> 10);
    let message = format!("this has {size} KB without the values, and Gmail clips what is longer than {limit} KB");
    (bytes > CLIPPED).then(|| file.finding(Rule::LargeEmail, 0, message, LIGHTEN))
}

/// The first character outside the alphabet that every message may show.
fn first_foreign(file: &File) -> Option<(usize, char)> {
    let text =
        |segment: &Segment| if let Segment::Text(at) | Segment::Raw(at) = segment { Some(at.clone()) } else { None };
    file.segments.iter().filter_map(text).find_map(|at| {
        let mut characters = file.text()[at.clone()].char_indices();
        let (offset, character) = characters.find(|(_, character)| septets(*character).is_none())?;
        Some((at.start + offset, character))
    })
}

/// A block that is open, and what was printed before it.
struct Block {
    before: Least,
    /// The least of the branches that are complete.
    branches: Option<Least>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing is printed if no branch is taken.
    Condition,
    /// One of the branches is taken.
    Alternative,
    /// What is in it may be printed never, elsewhere or otherwise.
    Unsure,
}

/// The least that a file prints. `open` are the files that include it: one that includes itself is left to the engine.
fn least(files: &Files, file: &File, open: &mut Vec<String>) -> Least {
    if open.contains(&file.part) || file.evaluated().any(|found| found.statement == Some("extends")) {
        return NOTHING;
    }
    open.push(file.part.clone());
    let (mut printed, mut blocks) = (NOTHING, Vec::new());
    for segment in &file.segments {
        match segment {
            Segment::Text(at) => printed = printed.and(least_of_text(file, at.start, at.end)),
            Segment::Raw(at) => printed = printed.and(Least::of(file.text()[at.clone()].trim())),
            Segment::Expression(_) => {}
            Segment::Statement(_) => {
                printed =
                    after_statement(file, segment, printed, &mut blocks).and(included(files, file, segment, open));
            }
        }
    }
    open.pop();
    // A block that is still open is an error, which others tell.
    blocks.first().map_or(printed, |block: &Block| block.before)
}

/// Text without its placeholders, and without the white space that its neighbours take away.
fn least_of_text(file: &File, start: usize, end: usize) -> Least {
    let source = file.text();
    let (before, behind) = (&source[..start], &source[end..]);
    let mut text = String::new();
    let mut read = start;
    for (at, _) in placeholders_in(source, start..end) {
        text.push_str(&source[read..at.start]);
        read = at.end;
    }
    text.push_str(&source[read..end]);
    let mut text = text.as_str();
    if start == 0 || ["-}}", "-%}", "-#}"].iter().any(|mark| before.ends_with(mark)) {
        text = text.trim_start();
    }
    if behind.is_empty() || ["{{-", "{%-", "{#-"].iter().any(|mark| behind.starts_with(mark)) {
        text = text.trim_end();
    }
    Least::of(text)
}

fn after_statement(file: &File, segment: &Segment, printed: Least, blocks: &mut Vec<Block>) -> Least {
    let Some(found) = evaluated(file.text(), segment) else { return printed };
    let assigns = || found.tokens.iter().any(|(_, token)| *token == Token::Mark('='));
    let mut begin = |kind| {
        blocks.push(Block { before: printed, branches: None, kind });
        NOTHING
    };
    match found.statement.unwrap_or_default() {
        "if" => begin(Kind::Condition),
        "for" | "macro" | "call" | "filter" => begin(Kind::Unsure),
        "set" if !assigns() => begin(Kind::Unsure),
        word @ ("elif" | "else") => {
            if let Some(block) = blocks.last_mut() {
                block.branches = Some(block.branches.map_or(printed, |branches| branches.or(printed)));
                if word == "else" && block.kind == Kind::Condition {
                    block.kind = Kind::Alternative;
                }
            }
            NOTHING
        }
        "endif" | "endfor" | "endmacro" | "endcall" | "endfilter" | "endset" => match blocks.pop() {
            Some(Block { before, branches, kind: Kind::Alternative }) => {
                before.and(branches.map_or(printed, |branches| branches.or(printed)))
            }
            Some(block) => block.before,
            None => printed,
        },
        _ => printed,
    }
}

/// What an included file prints at least. What may be missing prints nothing.
fn included(files: &Files, file: &File, segment: &Segment, open: &mut Vec<String>) -> Least {
    let Some(found) = evaluated(file.text(), segment).filter(|found| found.statement == Some("include")) else {
        return NOTHING;
    };
    included_by(&found.tokens)
        .and_then(|inclusion| files.at(&inclusion.path.name))
        .map_or(NOTHING, |file| least(files, file, open))
}
