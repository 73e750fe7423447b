//! What an author's source names literally: pools, printed paths, comparisons with numbers.
//!
//! This reads tokens, not a syntax tree: enough to warn early and to explain. What a render really reaches decides.

use std::ops::Range;

use super::scan::{Segment, Token, segments, tokens};
use super::source::placeholders;

/// A name or dotted path in a source with its place, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) name: String,
    pub(super) offset: usize,
}

/// Every pool that the source names literally, in an expression, a statement or a placeholder.
pub(super) fn pools(source: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = placeholders(source)
        .into_iter()
        .map(|(range, name)| Mention { name: name.to_owned(), offset: range.start })
        .collect();
    for tokens in evaluated(source) {
        found.extend(named_pools(&tokens));
    }
    found.sort_by_key(|mention| mention.offset);
    found
}

/// Every path such as `customer.first_name` that is printed without a default.
pub(super) fn printed_paths(source: &str) -> Vec<String> {
    let guard = |(_, token): &(usize, Token<'_>)| matches!(token, Token::Name("default" | "d" | "or" | "if"));
    segments(source)
        .into_iter()
        .filter_map(|segment| if let Segment::Expression(range) = segment { Some(tokens(source, range)) } else { None })
        .filter(|tokens| !tokens.iter().any(guard))
        .flat_map(|tokens| paths(&tokens))
        .filter(|path| path.at.len() > 1)
        .map(|path| path.mention.name)
        .collect()
}

/// How many operators and accesses one expression may have, and how many `elif` one source. The engine's compiler goes a call
/// deeper for each, and its stack is limited.
const LINKS: usize = 2_000;
const ALTERNATIVES: usize = 500;

/// Where an expression begins, or an `elif` stands, that is one too many for the engine.
pub(super) fn too_deep(source: &str) -> Option<usize> {
    let mut alternatives = 0;
    evaluated(source).find_map(|tokens| {
        let (start, _) = *tokens.first()?;
        alternatives += usize::from(tokens.iter().any(|(_, token)| *token == Token::Name("elif")));
        (links(&tokens) > LINKS || alternatives > ALTERNATIVES).then_some(start)
    })
}

/// How many operators and accesses there are.
pub(super) fn links(tokens: &[(usize, Token<'_>)]) -> usize {
    tokens.iter().filter(|(_, token)| is_link(*token)).count()
}

fn is_link(token: Token<'_>) -> bool {
    match token {
        Token::Mark(mark) => !matches!(mark, ',' | ':' | '{' | '}' | ')' | ']'),
        Token::Name(name) => matches!(name, "not" | "and" | "or" | "if" | "else" | "in" | "is"),
        Token::Text(_) => false,
    }
}

/// The variables and attributes that are compared with a literal number, as in `customer.ltv > 100`: where, and which.
pub(super) fn compared_with_numbers(source: &str, evaluated: Range<usize>) -> Vec<(Range<usize>, String)> {
    let tokens = tokens(source, evaluated);
    let is_compared = |at: &Range<usize>| {
        !is_filtered(&tokens[at.end..]) && (number_after(&tokens[at.end..]) || number_before(&tokens[..at.start]))
    };
    let is_operand = |at: &Range<usize>| !is_filter_or_test(&tokens[..at.start]);
    paths(&tokens)
        .into_iter()
        .filter(|path| is_compared(&path.at) && is_operand(&path.at))
        .map(|path| (path.mention.offset..end_of(tokens[path.at.end - 1]), path.mention.name))
        .collect()
}

/// What a statement puts into a namespace, as in `set ns.total = ns.total + 1`.
pub(super) fn put_into_namespace(source: &str, statement: Range<usize>) -> Option<Range<usize>> {
    let trimmed = source[statement.clone()].trim_end();
    let end = statement.start + trimmed.strip_suffix(['-', '+']).unwrap_or(trimmed).len();
    let tokens = tokens(source, statement);
    let names = tokens.iter().skip_while(|(_, token)| matches!(token, Token::Mark('-' | '+')));
    let mut target = names.take_while(|(_, token)| *token != Token::Mark('='));
    let is_set = target.next().is_some_and(|(_, token)| *token == Token::Name("set"));
    let names_attribute = target.any(|(_, token)| *token == Token::Mark('.'));
    let (equals, _) = tokens.iter().find(|(_, token)| *token == Token::Mark('='))?;
    (is_set && names_attribute && equals + 1 < end).then(|| equals + 1..end)
}

pub(super) fn end_of((offset, token): (usize, Token<'_>)) -> usize {
    match token {
        Token::Name(name) => offset + name.len(),
        Token::Text(text) => offset + text.len() + 2,
        Token::Mark(mark) => offset + mark.len_utf8(),
    }
}

/// Whether the name after these tokens is that of a filter or test.
fn is_filter_or_test(before: &[(usize, Token<'_>)]) -> bool {
    matches!(
        before,
        [.., (_, Token::Mark('|') | Token::Name("is"))] | [.., (_, Token::Name("is")), (_, Token::Name("not"))]
    )
}

/// A file that is included, imported or extended by its literal path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inclusion {
    pub(super) path: Mention,
    pub(super) may_be_missing: bool,
}

/// Every file that the source includes, imports or extends by a literal path.
pub(super) fn included(source: &str) -> Vec<Inclusion> {
    let statement = |segment| if let Segment::Statement(range) = segment { Some(tokens(source, range)) } else { None };
    segments(source).into_iter().filter_map(statement).filter_map(|tokens| included_by(&tokens)).collect()
}

pub(super) fn included_by(tokens: &[(usize, Token<'_>)]) -> Option<Inclusion> {
    let names: Vec<_> = tokens.iter().skip_while(|(_, token)| matches!(token, Token::Mark('-' | '+'))).collect();
    match names[..] {
        [(_, Token::Name("include" | "import" | "from" | "extends")), (offset, Token::Text(name)), ref rest @ ..]
            if stands_alone(rest) =>
        {
            let path = Mention { name: (*name).to_owned(), offset: *offset };
            Some(Inclusion { path, may_be_missing: rest.iter().any(|(_, token)| *token == Token::Name("ignore")) })
        }
        _ => None,
    }
}

/// Whether what follows a text does not make another path of it, as an operator would.
fn stands_alone(rest: &[&(usize, Token<'_>)]) -> bool {
    match rest {
        [] | [(_, Token::Mark('-' | '+'))] => true,
        [(_, Token::Name(word)), ..] => matches!(*word, "ignore" | "with" | "without" | "import" | "as"),
        _ => false,
    }
}

/// A name that the engine has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Filter,
    Test,
    Function,
}

/// Every filter, test and function that an expression names.
pub(super) fn engine_names(tokens: &[(usize, Token<'_>)]) -> Vec<(Known, Mention)> {
    let token = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|(_, token)| *token);
    let known = |at: usize, name: &str| match (token(at.checked_sub(2)), token(at.checked_sub(1))) {
        (_, Some(Token::Mark('|'))) => Some(Known::Filter),
        (Some(Token::Name("is")), Some(Token::Name("not"))) => Some(Known::Test),
        (_, Some(Token::Name("is"))) if name != "not" => Some(Known::Test),
        (_, Some(Token::Mark('.'))) => None,
        _ if token(Some(at + 1)) == Some(Token::Mark('(')) && !is_link(Token::Name(name)) => Some(Known::Function),
        _ => None,
    };
    let named = |(at, (offset, token)): (usize, &(usize, Token<'_>))| {
        let Token::Name(name) = *token else { return None };
        Some((known(at, name)?, Mention { name: name.to_owned(), offset: *offset }))
    };
    tokens.iter().enumerate().filter_map(named).collect()
}

/// Every variable and attribute that an expression reads, such as `customer.address.city`.
pub(super) fn read_paths(tokens: &[(usize, Token<'_>)]) -> Vec<Mention> {
    paths(tokens).into_iter().map(|path| path.mention).collect()
}

/// The tokens of every expression and statement.
fn evaluated(source: &str) -> impl Iterator<Item = Vec<(usize, Token<'_>)>> {
    segments(source).into_iter().filter_map(move |segment| match segment {
        Segment::Expression(range) | Segment::Statement(range) => Some(tokens(source, range)),
        Segment::Text(_) | Segment::Raw(_) => None,
    })
}

/// `vouchers.name` and `vouchers['name']`, unless `vouchers` is itself somebody's attribute.
pub(super) fn named_pools(tokens: &[(usize, Token<'_>)]) -> Vec<Mention> {
    let is_attribute = |at: usize| at > 0 && tokens[at - 1].1 == Token::Mark('.');
    let is_vouchers = |at: &usize| tokens[*at].1 == Token::Name("vouchers") && !is_attribute(*at);
    let pool = |at: usize| {
        let (name, _) = attribute(&tokens[at + 1..])?;
        Some(Mention { name: name.to_owned(), offset: tokens[at + 2].0 })
    };
    (0..tokens.len()).filter(is_vouchers).filter_map(pool).collect()
}

/// A dotted path with the tokens that it is made of.
struct Path {
    mention: Mention,
    at: Range<usize>,
}

/// The dotted paths among the tokens, such as `customer.address.city`; subscripts with literal names count as dots, and of a
/// method call what it is called on.
fn paths(tokens: &[(usize, Token<'_>)]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = at;
        at += 1;
        let (offset, Token::Name(root)) = tokens[start] else { continue };
        if is_number(tokens[start].1) {
            continue;
        }
        let mut names = vec![root];
        while let Some((name, length)) = attribute(&tokens[at..]) {
            names.push(name);
            at += length;
        }
        if matches!(tokens.get(at), Some((_, Token::Mark('(')))) {
            names.pop();
        }
        if !names.is_empty() {
            found.push(Path { mention: Mention { name: names.join("."), offset }, at: start..at });
        }
    }
    found
}

/// The attribute that the tokens begin with, and how many of them it takes.
fn attribute<'s>(tokens: &[(usize, Token<'s>)]) -> Option<(&'s str, usize)> {
    match tokens {
        [(_, Token::Mark('.')), (_, Token::Name(name)), ..] => Some((name, 2)),
        [(_, Token::Mark('[')), (_, Token::Text(name)), (_, Token::Mark(']')), ..] => Some((name, 3)),
        _ => None,
    }
}

fn is_comparison(first: Token<'_>, second: Option<Token<'_>>) -> bool {
    match first {
        Token::Mark('<' | '>') => true,
        Token::Mark('=' | '!') => second == Some(Token::Mark('=')),
        _ => false,
    }
}

fn is_number(token: Token<'_>) -> bool {
    matches!(token, Token::Name(name) if name.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the path's value is changed before it is compared.
fn is_filtered(after: &[(usize, Token<'_>)]) -> bool {
    matches!(after.first(), Some((_, Token::Mark('|' | '(' | '['))))
}

fn number_after(tokens: &[(usize, Token<'_>)]) -> bool {
    let token = |index: usize| tokens.get(index).map(|(_, token)| *token);
    let Some(first) = token(0) else { return false };
    let operand = if token(1) == Some(Token::Mark('=')) { 2 } else { 1 };
    let operand = if token(operand) == Some(Token::Mark('-')) { operand + 1 } else { operand };
    is_comparison(first, token(1)) && token(operand).is_some_and(is_number)
}

fn number_before(tokens: &[(usize, Token<'_>)]) -> bool {
    let token = |back: usize| tokens.len().checked_sub(back).map(|index| tokens[index].1);
    match (token(3), token(2), token(1)) {
        (_, Some(number), Some(Token::Mark('<' | '>'))) if is_number(number) => true,
        (Some(number), Some(Token::Mark('<' | '>' | '=' | '!')), Some(Token::Mark('='))) => is_number(number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_pools_are_found() {
        let source = "{{ vouchers['a b'].assign() }}{% if vouchers.c %}$cst.d.coupon${% endif %}{{ customer.vouchers.e }}{{ vouchers[f] }}{{ vouchers['g' ~ h] }}";
        let names: Vec<_> = pools(source).into_iter().map(|mention| mention.name).collect();
        assert_eq!(names, ["a b", "c", "d"]);
    }

    #[test]
    fn literal_includes_are_found() {
        let source = "{%- include '_partials/a.html' %}{% from \"b\" import c %}{% include 'd' ignore missing %}{% include e %}{% include 'f' ~ g %}{% include 'h' if i else 'j' %}";
        let names: Vec<_> = included(source).into_iter().map(|found| (found.path.name, found.may_be_missing)).collect();
        let expected = [("_partials/a.html", false), ("b", false), ("d", true)];
        assert_eq!(names, expected.map(|(name, may_be_missing)| (name.to_owned(), may_be_missing)));
    }

    #[test]
    fn printed_paths_leave_out_what_has_a_default() {
        let source = "{{ customer.a|upper }}{{ customer['b'].c }}{{ customer.d or 'x' }}{{ customer.e|default('') }}{{ customer.f.strip() }}{% if customer.g %}{% endif %}";
        assert_eq!(printed_paths(source), ["customer.a", "customer.b.c", "customer.f"]);
    }

    #[test]
    fn comparisons_with_numbers_are_found_on_both_sides() {
        let found = |source: &'static str| -> Vec<&str> {
            compared_with_numbers(source, 2..source.len() - 2).into_iter().map(|(at, _)| &source[at]).collect()
        };
        for (source, path) in [
            ("{% if customer.ltv > 100 %}", "customer.ltv"),
            ("{% if customer.ltv>=-1.5 %}", "customer.ltv"),
            ("{% if 3 <= customer['ltv'] %}", "customer['ltv']"),
            ("{{ customer.ltv == 3 }}", "customer.ltv"),
            ("{{ 3 != ltv }}", "ltv"),
        ] {
            assert_eq!(found(source), [path]);
        }
        for source in [
            "{% if customer.ltv|int > 100 %}",
            "{% if 100 < customer.ltv|int %}",
            "{% if 100 < customer.orders[0] %}",
            "{% if customer.ltv > customer.limit %}",
            "{% if customer.name == 'x' %}",
            "{% if customer.ltv is not odd == 1 %}",
            "{% set customer.x = 3 %}",
            "{{ 2 > 1 }}",
        ] {
            assert_eq!(found(source), [""; 0], "{source}");
        }
    }
}
