//! Codes that a loop takes, by itself or by what it includes.

use std::collections::BTreeSet;

use super::claims::{Call, Said, Tokens, calls};
use super::files::{Evaluated, File, Files};
use super::{Finding, Rule};
use crate::render::mentions::included_by;
use crate::render::scan::Token;

/// Claims inside loops, unless the author says what is meant.
pub(super) fn in_loops(files: &Files) -> Vec<Finding> {
    let mut walk = Walk { files, seen: BTreeSet::new(), found: Vec::new() };
    for part in files.parts() {
        walk.file(part, None);
    }
    // A file may be included more than once: one finding at a place is enough.
    let place = |found: &Finding| (found.part.clone(), found.line, found.column);
    walk.found.sort_by_key(place);
    walk.found.dedup_by_key(|found| place(found));
    walk.found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rounds {
    Bounded,
    Unbounded,
}

/// A loop around a place.
#[derive(Clone, Copy)]
struct Loop<'f> {
    rounds: Rounds,
    /// The file and line that include the place's file in the loop, if it is not the file's own.
    includer: Option<(&'f File, usize)>,
}

/// A way through the files of a template, as rendering goes.
struct Walk<'f> {
    files: &'f Files,
    /// The files that were read, and within which loop.
    seen: BTreeSet<(&'f str, Option<Rounds>)>,
    found: Vec<Finding>,
}

impl<'f> Walk<'f> {
    fn file(&mut self, file: &'f File, around: Option<Loop<'f>>) {
        if !self.seen.insert((&file.part, around.map(|around| around.rounds))) {
            return;
        }
        let mut open: Vec<Option<Rounds>> = Vec::new();
        for found in file.evaluated() {
            let own = open.iter().flatten().max().map(|rounds| Loop { rounds: *rounds, includer: None });
            let here = [around, own].into_iter().flatten().max_by_key(|a_loop| a_loop.rounds);
            if let Some(here) = here {
                self.found.extend(calls(&found.tokens).into_iter().filter_map(|call| finding(file, &call, here)));
            }
            self.inclusion(file, &found, here);
            step(&mut open, file, &found);
        }
    }

    /// Goes on into what is rendered at this place.
    fn inclusion(&mut self, file: &'f File, found: &Evaluated<'_>, here: Option<Loop<'f>>) {
        let included = included_by(&found.tokens).and_then(|inclusion| self.files.at(&inclusion.path.name));
        let (Some(included), Some((offset, _))) = (included, found.tokens.first()) else { return };
        // What is imported is rendered where its macros are called.
        let here = here.filter(|_| matches!(found.statement, Some("include" | "extends")));
        let line = file.source.position(*offset).0;
        self.file(included, here.map(|here| Loop { includer: here.includer.or(Some((file, line))), ..here }));
    }
}

/// Goes into a block, or out of one.
fn step(open: &mut Vec<Option<Rounds>>, file: &File, found: &Evaluated<'_>) {
    match found.statement {
        Some("for") if is_bounded(file, &found.tokens) => open.push(Some(Rounds::Bounded)),
        Some("for") => open.push(Some(Rounds::Unbounded)),
        Some("if") => open.push(None),
        // What stands in the `else` of a loop happens once.
        Some("else") => open.last_mut().map_or((), |block| *block = None),
        Some("endfor" | "endif") => drop(open.pop()),
        _ => {}
    }
}

fn finding(file: &File, call: &Call, here: Loop<'_>) -> Option<Finding> {
    let place = here.includer.map_or("stands in a loop".to_owned(), |(includer, line)| {
        format!("stands in a file that {} includes in a loop, in line {line},", includer.part)
    });
    let (what, help) = match (call.said, here.rounds) {
        (Said::Nothing, _) => (
            "shows the same code in each round",
            "write per='message' if that is meant, or per='occurrence' for another code in each round",
        ),
        (Said::Occurrence, Rounds::Unbounded) => (
            "takes a code in each round, as many as the data has: beyond the limit of one message it fails",
            "cut what is looped over, such as products[:3], or claim once before the loop",
        ),
        _ => return None,
    };
    Some(file.finding(Rule::ClaimInLoop, call.offset, format!("this claim {place} and {what}"), help))
}

/// Whether the author wrote how many rounds there are at most: a range of numbers, a list, a slice, or a variable that is one.
fn is_bounded(file: &File, statement: Tokens<'_, '_>) -> bool {
    let over =
        statement.iter().position(|(_, token)| *token == Token::Name("in")).map_or(&[][..], |at| &statement[at + 1..]);
    let end = over.iter().position(|(_, token)| matches!(token, Token::Name("if" | "recursive"))).unwrap_or(over.len());
    match &over[..end] {
        [(_, Token::Name(name))] => file.evaluated().any(|found| match &found.tokens[..] {
            [(_, Token::Name("set")), (_, Token::Name(set)), (_, Token::Mark('=')), value @ ..] => {
                set == name && is_short(value)
            }
            _ => false,
        }),
        over => is_short(over),
    }
}

fn is_short(value: Tokens<'_, '_>) -> bool {
    let is_number =
        |token: &Token<'_>| matches!(token, Token::Name(name) if name.starts_with(|c: char| c.is_ascii_digit()));
    match value {
        [(_, Token::Name("range")), (_, Token::Mark('(')), arguments @ .., (_, Token::Mark(')'))] => {
            arguments.iter().all(|(_, token)| is_number(token) || matches!(token, Token::Mark(',' | '-')))
        }
        [.., (_, Token::Mark(':')), (_, end), (_, Token::Mark(']'))] => is_number(end),
        [(_, Token::Mark('[')), .., (_, Token::Mark(']'))] => true,
        _ => false,
    }
}
