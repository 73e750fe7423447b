//! Values that reach a page as more than text.

use super::files::{Evaluated, File, evaluated};
use super::markup::{Quote, Spot};
use super::{Finding, Rule};
use crate::render::scan::Token;

pub(super) type Tokens<'t, 's> = &'t [(usize, Token<'s>)];

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
pub(super) fn is_markup(before: Tokens<'_, '_>) -> bool {
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

/// Values in attributes without quotes, in scripts, and in URLs.
pub(super) fn misplaced(file: &File, spots: &[Spot]) -> Vec<Finding> {
    spots.iter().filter_map(|spot| misplaced_at(file, spot)).collect()
}

fn misplaced_at(file: &File, spot: &Spot) -> Option<Finding> {
    let (segment, at) = match spot {
        Spot::Unquoted(segment, at)
        | Spot::Script(segment, at)
        | Spot::Handler(segment, at, _)
        | Spot::Url(segment, at) => (*segment, at),
        Spot::Link(_) => return None,
    };
    let tokens = evaluated(file.text(), &file.segments[segment]).map(|found| found.tokens);
    if tokens.as_deref().is_some_and(|tokens| is_constant(tokens) || is_plain(tokens)) {
        return None;
    }
    let (rule, message, filter) = told(spot, tokens.as_deref().unwrap_or_default())?;
    let help = match (rule, &tokens) {
        (Rule::UnquotedAttribute, _) => "put the attribute's value between quotes".to_owned(),
        (_, None) => format!("write {{{{ vouchers['POOL'].assign_available(per='customer'){filter} }}}}"),
        (_, Some(_)) => format!("write {filter} at its end"),
    };
    let help = if rule == Rule::ScriptValue { help + ", and no quotes around it" } else { help };
    Some(file.finding(rule, at.start, message, help))
}

/// What is wrong with a value that stands there, and the filter that it needs.
fn told(spot: &Spot, tokens: Tokens<'_, '_>) -> Option<(Rule, &'static str, &'static str)> {
    let is_json = passes(tokens, "tojson");
    let handler = "|tojson|forceescape";
    match spot {
        Spot::Unquoted(..) => Some((
            Rule::UnquotedAttribute,
            "this value stands in an attribute without quotes: a space in it begins another attribute",
            "",
        )),
        Spot::Script(..) if !is_json => Some((
            Rule::ScriptValue,
            "this value stands in a script, where escaping for HTML does not protect",
            "|tojson",
        )),
        Spot::Handler(..) if !is_json => Some((
            Rule::ScriptValue,
            "this value stands in the script of an event handler, where escaping for HTML does not protect: a browser undoes it first",
            handler,
        )),
        Spot::Handler(_, _, Quote::Double) if !passes(tokens, "forceescape") => {
            Some((Rule::ScriptValue, "the quotes that |tojson writes end this attribute", handler))
        }
        Spot::Url(..) => Some((
            Rule::UrlValue,
            "this value stands in a URL and is not encoded: with an & or a space in it, the address is another one",
            "|urlencode",
        )),
        _ => None,
    }
}

/// Whether a filter of this name is in it.
fn passes(tokens: Tokens<'_, '_>, filter: &str) -> bool {
    tokens.windows(2).any(|pair| matches!(pair, [(_, Token::Mark('|')), (_, Token::Name(name))] if *name == filter))
}

/// Whether it can print nothing but the author's own words, as `'a' if customer.vip else 'b'` does.
pub(super) fn is_constant(tokens: Tokens<'_, '_>) -> bool {
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
pub(super) fn is_plain(tokens: Tokens<'_, '_>) -> bool {
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
