//! Codes that are taken for nobody's eyes.

use std::collections::BTreeSet;
use std::ops::Range;

use super::files::{Evaluated, File, Files};
use super::{Finding, Rule};
use crate::render::mentions::named_pools;
use crate::render::scan::{Segment, Token};
use crate::render::source::placeholders_in;

pub(super) type Tokens<'t, 's> = &'t [(usize, Token<'s>)];

/// How widely the author says that a code is to be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Width,
    Occurrence,
}

/// A call of `assign_available()` or `assign()`.
pub(super) struct Call {
    pub(super) offset: usize,
    pub(super) said: Said,
}

pub(super) fn calls(tokens: Tokens<'_, '_>) -> Vec<Call> {
    let call = |at: usize| match &tokens[at..] {
        [
            (_, Token::Mark('.')),
            (offset, Token::Name("assign" | "assign_available")),
            (_, Token::Mark('(')),
            rest @ ..,
        ] => Some(Call { offset: *offset, said: said(rest) }),
        _ => None,
    };
    (0..tokens.len()).filter_map(call).collect()
}

/// What stands between the parentheses of a call.
fn said(rest: Tokens<'_, '_>) -> Said {
    match rest {
        [(_, Token::Mark(')')), ..] => Said::Nothing,
        [(_, Token::Name("per")), (_, Token::Mark('=')), (_, Token::Text("occurrence")), ..]
        | [(_, Token::Name("cached")), (_, Token::Mark('=')), (_, Token::Name("false" | "False")), ..] => {
            Said::Occurrence
        }
        _ => Said::Width,
    }
}

/// A claim of the template, as far as showing its code is concerned.
struct Claim<'f> {
    file: &'f File,
    offset: usize,
    /// `None` where only a render knows the pool.
    pool: Option<&'f str>,
    shown: bool,
}

/// Claims whose code is printed nowhere, by no part: neither by themselves, nor by the variable that holds it, nor by another
/// claim of the pool.
pub(super) fn not_shown(files: &Files) -> Vec<Finding> {
    if files.include_unknown() {
        return Vec::new();
    }
    let claims: Vec<Claim<'_>> = files.all.iter().flat_map(|file| claims(files, file)).collect();
    let may_show = |shown: &Claim<'_>, hidden: &Claim<'_>| {
        shown.shown && (shown.pool == hidden.pool || shown.pool.is_none() || hidden.pool.is_none())
    };
    let is_hidden = |claim: &&Claim<'_>| !claim.shown && !claims.iter().any(|other| may_show(other, claim));
    claims.iter().filter(is_hidden).map(finding).collect()
}

fn finding(claim: &Claim<'_>) -> Finding {
    let message = "this claim takes a code that the message never shows: it is spent, and nobody can use it";
    claim.file.finding(Rule::ClaimNotShown, claim.offset, message, "print the code, or leave the claim out")
}

fn claims<'f>(files: &'f Files, file: &'f File) -> Vec<Claim<'f>> {
    let printed = printed_names(files, file);
    let mut found = Vec::new();
    for segment in &file.segments {
        if let Segment::Text(text) = segment {
            found.extend(in_text(file, text.clone()));
        }
    }
    for evaluated in file.evaluated() {
        let shown = match (evaluated.statement, set_name(&evaluated)) {
            (_, Some(name)) => printed.contains(name),
            (Some("if" | "elif"), _) => false,
            _ => true,
        };
        let pools = named_pools(&evaluated.tokens);
        for call in calls(&evaluated.tokens) {
            let pool = pools.iter().rfind(|pool| pool.offset < call.offset);
            let pool = pool.map(|pool| &file.text()[pool.offset..call.offset]).map(name_at_start);
            found.push(Claim { file, offset: call.offset, pool, shown });
        }
    }
    found
}

fn in_text(file: &File, text: Range<usize>) -> Vec<Claim<'_>> {
    let placeholders = placeholders_in(file.text(), text);
    placeholders.map(|(at, pool)| Claim { file, offset: at.start, pool: Some(pool), shown: true }).collect()
}

/// The name that a mention of a pool begins with, in quotes or not.
fn name_at_start(mention: &str) -> &str {
    let mention = mention.trim_start_matches(['\'', '"']);
    mention.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').next().unwrap_or_default()
}

/// The one variable that a statement sets to a value.
fn set_name<'s>(evaluated: &Evaluated<'s>) -> Option<&'s str> {
    match &evaluated.tokens[..] {
        [(_, Token::Name("set")), (_, Token::Name(name)), (_, Token::Mark('=')), ..]
            if evaluated.statement.is_some() =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// Every variable that is read for more than a condition where this file's variables are seen.
fn printed_names<'f>(files: &'f Files, file: &'f File) -> BTreeSet<&'f str> {
    let around = files.around(file).into_iter().flat_map(File::evaluated);
    let read = around.filter(|found| !matches!(found.statement, Some("if" | "elif")));
    read.flat_map(|found| {
        let value = if set_name(&found).is_some() { 3 } else { 0 };
        let is_attribute = |at: usize| at > 0 && found.tokens[at - 1].1 == Token::Mark('.');
        let name = |at: usize| if let Token::Name(name) = found.tokens[at].1 { Some(name) } else { None };
        (value..found.tokens.len()).filter(|at| !is_attribute(*at)).filter_map(name).collect::<Vec<_>>()
    })
    .collect()
}
