//! Values that reach a page as more than text.

use super::files::{Evaluated, File, evaluated};
use super::markup::Spot;
use super::{Finding, Rule};
use crate::render::scan::{Segment, Token};

type Tokens<'t, 's> = &'t [(usize, Token<'s>)];

/// Filters after which a value is markup that nobody smuggled in, or no text at all.
const ESCAPING: [&str; 8] = ["tojson", "e", "escape", "forceescape", "xmlattr", "urlize", "int", "float"];
/// Filters whose result means the same in a script, quoted or not.
const PLAIN: [&str; 6] = ["int", "float", "length", "count", "round", "urlencode"];

/// `|safe` on what may be data.
pub(super) fn unescaped(file: &File) -> Vec<Finding> {
    if file.part.ends_with(".txt") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for Evaluated { tokens, .. } in file.evaluated() {
        for (at, pair) in tokens.windows(2).enumerate() {
            if let [(_, Token::Mark('|')), (offset, Token::Name("safe"))] = pair
                && !is_markup(&tokens[..at])
            {
                let message =
                    "|safe prints this value without escaping it: markup in the data becomes markup of the page";
                let help =
                    "leave |safe out, unless the value is markup that you trust; never use it on what customers type";
                found.push(file.finding(Rule::SafeFilter, *offset, message, help));
            }
        }
    }
    found
}

/// Whether what is made safe is the author's own text, escaped already, or what a macro printed.
fn is_markup(before: Tokens<'_, '_>) -> bool {
    let (called, is_call) = match before {
        [.., (_, Token::Text(_))] => return true,
        [.., (_, Token::Mark(')'))] => (&before[..opening(before)], true),
        _ => (before, false),
    };
    match called {
        [.., (_, Token::Mark('|')), (_, Token::Name(filter))] => ESCAPING.contains(filter),
        [.., (_, Token::Mark('.')), (_, Token::Name(_))] => false,
        [.., (_, Token::Name(name))] => is_call && !matches!(*name, "if" | "else" | "and" | "or" | "not" | "in" | "is"),
        _ => false,
    }
}

/// Where the parenthesis opens that the last token closes.
fn opening(tokens: Tokens<'_, '_>) -> usize {
    let mut depth = 0usize;
    for (at, (_, token)) in tokens.iter().enumerate().rev() {
        match token {
            Token::Mark(')') => depth += 1,
            Token::Mark('(') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    0
}

/// Values in attributes without quotes, and in scripts.
pub(super) fn misplaced(file: &File, spots: &[Spot]) -> Vec<Finding> {
    let is_harmless = |segment: usize| {
        let found = evaluated(file.text(), &file.segments[segment]);
        found.is_some_and(|found| is_constant(&found.tokens) || is_plain(&found.tokens))
    };
    let finding = |spot: &Spot| match spot {
        Spot::Unquoted(segment, at) if !is_harmless(*segment) => {
            let message = "this value stands in an attribute without quotes: a space in it begins another attribute";
            Some(file.finding(Rule::UnquotedAttribute, at.start, message, "put the attribute's value between quotes"))
        }
        Spot::Script(segment, at) if !is_harmless(*segment) && !is_json(file, *segment) => {
            let message = "this value stands in a script, where escaping for HTML does not protect";
            let help = if matches!(file.segments[*segment], Segment::Text(_)) {
                "write {{ vouchers['POOL'].assign_available(per='customer')|tojson }}, without quotes around it"
            } else {
                "write |tojson at its end, and no quotes around it"
            };
            Some(file.finding(Rule::ScriptValue, at.start, message, help))
        }
        _ => None,
    };
    spots.iter().filter_map(finding).collect()
}

fn is_json(file: &File, segment: usize) -> bool {
    let tokens = evaluated(file.text(), &file.segments[segment]).map(|found| found.tokens).unwrap_or_default();
    tokens.windows(2).any(|pair| matches!(pair, [(_, Token::Mark('|')), (_, Token::Name("tojson"))]))
}

/// Whether it can print nothing but the author's own words, as `'a' if customer.vip else 'b'` does.
fn is_constant(tokens: Tokens<'_, '_>) -> bool {
    let mut in_condition = false;
    tokens.iter().enumerate().all(|(at, (_, token))| {
        let Token::Name(name) = *token else { return true };
        match name {
            "if" => in_condition = true,
            "else" => in_condition = false,
            _ => {}
        }
        let is_literal = matches!(name, "if" | "else" | "true" | "false" | "none" | "True" | "False" | "None")
            || name.starts_with(|c: char| c.is_ascii_digit());
        let is_counter = name == "loop" || at == 2 && tokens[0].1 == Token::Name("loop");
        in_condition || is_literal || is_counter
    })
}

/// Whether the last thing that happens to the whole of it makes a number or a part of a URL of it.
fn is_plain(tokens: Tokens<'_, '_>) -> bool {
    let joins = |token: &Token<'_>| matches!(token, Token::Mark('~' | '+') | Token::Name("or" | "and" | "if"));
    let (called, _) = match tokens {
        [.., (_, Token::Mark(')'))] => tokens.split_at(opening(tokens)),
        _ => (tokens, tokens),
    };
    match called {
        [value @ .., (_, Token::Mark('|')), (_, Token::Name(filter))] => {
            PLAIN.contains(filter) && !outside_parentheses(value).any(|token| joins(&token))
        }
        _ => false,
    }
}

fn outside_parentheses<'s>(tokens: Tokens<'_, 's>) -> impl Iterator<Item = Token<'s>> {
    let mut depth = 0usize;
    tokens.iter().filter_map(move |(_, token)| {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(*token)
    })
}
