//! Lets a render look at the clock where it does nothing else that is counted: one slice of a long list is one instruction, and a
//! loop has thousands of them.

use std::ops::Range;

use super::allowance::TICK_FILTER;
use super::operators::without_marks;
use super::scan::{Token, tokens};

/// The edit to a statement that is repeated: what it evaluates passes by the clock first, where it calls, slices or builds something.
pub(super) fn tick(source: &str, statement: Range<usize>) -> Option<(Range<usize>, String)> {
    let statement = without_marks(source, statement);
    let tokens = tokens(source, statement.clone());
    let before = match tokens.first()?.1 {
        Token::Name("if" | "elif") => 0,
        Token::Name("for") => tokens.iter().position(|(_, token)| *token == Token::Name("in"))?,
        Token::Name("set" | "with") => tokens.iter().position(|(_, token)| *token == Token::Mark('='))?,
        _ => return None,
    };
    let at = tokens.get(before + 1)?.0;
    let evaluated = source.get(at..statement.end)?;
    // Nothing, and so the value of what stands after `or`.
    evaluated.contains(['[', '(', '{']).then(|| (at..at, format!("''|{TICK_FILTER} or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_evaluated_passes_by_the_clock() {
        for (source, expected) in [
            ("if a[0] ", "if ''|__tick or a[0] "),
            ("- for x in a[1:] if x -", "- for x in ''|__tick or a[1:] if x -"),
            ("set x, y = {b: 1}", "set x, y = ''|__tick or {b: 1}"),
            ("set x = a.b", "set x = a.b"),
            ("set x", "set x"),
            ("endfor", "endfor"),
            ("call f(x)", "call f(x)"),
        ] {
            let edited = tick(source, 0..source.len());
            let text = edited.map_or(source.to_owned(), |(at, tick)| {
                format!("{}{tick}{}", &source[..at.start], &source[at.start..])
            });
            assert_eq!(text, expected);
        }
    }
}
