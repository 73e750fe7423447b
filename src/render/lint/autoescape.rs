//! Values where an author has switched escaping off.

use super::escaping::{Tokens, is_constant, is_markup, is_plain};
use super::files::{File, evaluated};
use super::{Finding, Rule};
use crate::render::scan::{Segment, Token};
use crate::render::source::placeholders_in;

/// Values within `{% autoescape false %}`.
pub(super) fn switched_off(file: &File) -> Vec<Finding> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    if file.part.ends_with(".txt") {
        return found;
    }
    for segment in &file.segments {
        let is_off = open.last() == Some(&true);
        match segment {
            Segment::Text(text) if is_off => {
                found.extend(placeholders_in(file.text(), text.clone()).map(|(at, _)| finding(file, at.start)));
            }
            Segment::Expression(range) if is_off => {
                let tokens = evaluated(file.text(), segment).map(|found| found.tokens).unwrap_or_default();
                if !is_harmless(&tokens) {
                    found.push(finding(file, range.start - 2));
                }
            }
            Segment::Statement(_) => {
                let tokens = evaluated(file.text(), segment).map(|found| found.tokens).unwrap_or_default();
                match tokens[..] {
                    [(_, Token::Name("autoescape")), (_, ref value), ..] => open.push(switches_off(value)),
                    [(_, Token::Name("endautoescape")), ..] => drop(open.pop()),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether `autoescape` is told so in the source; of a variable, only a render knows.
fn switches_off(value: &Token<'_>) -> bool {
    matches!(value, Token::Name("false" | "False") | Token::Text("none"))
}

/// Whether each operand that may be printed is harmless. What |safe makes of one is told of as that.
fn is_harmless(tokens: Tokens<'_, '_>) -> bool {
    let is_safe = |operand: Tokens<'_, '_>| matches!(operand, [.., (_, Token::Mark('|')), (_, Token::Name("safe"))]);
    let mut operands = operands(tokens).into_iter();
    operands.all(|operand| is_safe(operand) || is_constant(operand) || is_plain(operand) || is_markup(operand))
}

/// What an expression puts together or chooses from, without the conditions of its choices.
fn operands<'t, 's>(tokens: Tokens<'t, 's>) -> Vec<Tokens<'t, 's>> {
    let (mut found, mut start, mut depth, mut in_condition) = (Vec::new(), 0, 0usize, false);
    for (at, (_, token)) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Token::Mark('~' | '+') | Token::Name("or" | "and" | "if" | "else") if depth == 0 => {
                found.extend((!in_condition).then_some(&tokens[start..at]));
                start = at + 1;
                in_condition = *token == Token::Name("if") || in_condition && *token != Token::Name("else");
            }
            _ => {}
        }
    }
    found.extend((!in_condition).then_some(&tokens[start..]));
    found
}

fn finding(file: &File, offset: usize) -> Finding {
    let message = "this value stands where autoescape is off, and is printed without escaping it: markup in the data becomes markup of the page";
    let help = if file.is_html() {
        "end the block before it, or write {{ value|e }}, with |e at its end"
    } else {
        "end the block before it, or write |tojson at its end"
    };
    file.finding(Rule::AutoescapeOff, offset, message, help)
}
