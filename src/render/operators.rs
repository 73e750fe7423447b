//! Lets what `~`, `+` and `*` make be counted, and what comparisons read: their operands are rewritten to pass through filters,
//! since the engine lets nobody look at an operator.
//!
//! This reads tokens. What is no operand to it stays as it is.

use std::ops::Range;

use super::allowance::{JOINED_FILTER, READ_FILTER, TIMES_FILTER};
use super::mentions::end_of;
use super::scan::{Token, tokens};

type Edit = (Range<usize>, String);
type Tokens<'t, 's> = &'t [(usize, Token<'s>)];

/// The edits to an expression, or to a statement.
pub(super) fn counted(source: &str, evaluated: Range<usize>, is_statement: bool) -> Vec<Edit> {
    let text = &source[evaluated.clone()];
    if !text.contains(['~', '+', '*', '=', '<', '>']) && !text.contains("in") {
        return Vec::new();
    }
    let evaluated = without_marks(source, evaluated);
    let tokens = tokens(source, evaluated.clone());
    let is_whole = tokens.last().is_some_and(|last| end_of(*last) <= evaluated.end);
    let Some(closing) = closing(&tokens).filter(|_| is_whole) else { return Vec::new() };
    let is_loop = is_statement && tokens.first().is_some_and(|(_, token)| *token == Token::Name("for"));
    let loops_over = tokens.iter().position(|(_, token)| is_loop && *token == Token::Name("in"));
    let reader = Reader { closing, tokens: &tokens, loops_over };
    let (mut edits, mut groups) = (Vec::new(), Vec::new());
    groups.push(usize::from(is_statement)..tokens.len());
    while let Some(group) = groups.pop() {
        reader.read(group, &mut groups, &mut edits);
    }
    edits
}

/// Without the marks of white-space control.
pub(super) fn without_marks(source: &str, mut range: Range<usize>) -> Range<usize> {
    range.start += usize::from(source[range.clone()].starts_with(['-', '+']));
    range.end -= usize::from(source[range.clone()].ends_with(['-', '+']));
    range
}

/// For each opening bracket, where its closing one is; none where one of them has no other. The engine says so then.
fn closing(tokens: Tokens<'_, '_>) -> Option<Vec<usize>> {
    let (mut closing, mut open) = (vec![tokens.len(); tokens.len()], Vec::new());
    for (at, (_, token)) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '[' | '{') => open.push(at),
            Token::Mark(')' | ']' | '}') => closing[open.pop()?] = at,
            _ => {}
        }
    }
    open.is_empty().then_some(closing)
}

/// What stands between operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Join,
    Add,
    Subtract,
    Times,
    Divide,
}

/// Operands with the operators between them: `operators[n]` stands before `operands[n + 1]`.
#[derive(Default)]
struct Chain {
    operands: Vec<Range<usize>>,
    operators: Vec<(Operator, usize)>,
}

impl Chain {
    /// All its operands, if each of them is there.
    fn whole(&self) -> Option<Range<usize>> {
        let is_whole = !self.operands.iter().any(Range::is_empty);
        is_whole.then(|| Some(self.operands.first()?.start..self.operands.last()?.end))?
    }
}

/// What is compared, one with the next.
#[derive(Default)]
struct Comparison {
    sides: Vec<Range<usize>>,
    /// Whether one is looked for in another.
    searches: bool,
}

struct Reader<'t, 's> {
    tokens: Tokens<'t, 's>,
    closing: Vec<usize>,
    /// The `in` of a loop, which compares nothing.
    loops_over: Option<usize>,
}

impl Reader<'_, '_> {
    /// Reads one group: what stands between two brackets. The groups in it are left for later.
    fn read(&self, group: Range<usize>, groups: &mut Vec<Range<usize>>, edits: &mut Vec<Edit>) {
        let (mut chain, mut operand, mut at) = (Chain::default(), group.start..group.start, group.start);
        let mut comparison = Comparison::default();
        while at < group.end {
            let (_, token) = self.tokens[at];
            let mut next = at + 1;
            if matches!(token, Token::Mark('(' | '[' | '{')) {
                let close = self.closing[at].min(group.end);
                groups.push(at + 1..close);
                next = close + 1;
                operand.end = next.min(group.end);
            } else if let Some((operator, length)) = self.operator(at, &operand) {
                chain.operands.push(operand);
                chain.operators.push((operator, at));
                next = at + length;
                operand = next..next;
            } else if self.is_boundary(at, &operand) {
                chain.operands.push(operand);
                self.end_chain(&std::mem::take(&mut chain), &mut comparison, edits);
                comparison.searches |= token == Token::Name("in");
                if !self.compares(at) {
                    self.write_comparison(&std::mem::take(&mut comparison), edits);
                }
                operand = next..next;
            } else {
                operand.end = next;
            }
            at = next;
        }
        chain.operands.push(operand);
        self.end_chain(&chain, &mut comparison, edits);
        self.write_comparison(&comparison, edits);
    }

    fn end_chain(&self, chain: &Chain, comparison: &mut Comparison, edits: &mut Vec<Edit>) {
        self.write(chain, edits);
        comparison.sides.extend(chain.whole());
    }

    /// Whether this boundary, or the next with it, is an operator that compares.
    fn compares(&self, at: usize) -> bool {
        let is_beside = |other: usize, marks: &[char]| {
            let (offset, token) = self.tokens[other];
            self.tokens[at].0.abs_diff(offset) == 1 && marks.iter().any(|mark| token == Token::Mark(*mark))
        };
        match self.tokens[at].1 {
            Token::Mark('<' | '>' | '!') => true,
            Token::Mark('=') => {
                (at > 0 && is_beside(at - 1, &['=', '<', '>', '!']))
                    || (at + 1 < self.tokens.len() && is_beside(at + 1, &['=']))
            }
            Token::Name("not") => self.tokens.get(at + 1).is_some_and(|(_, token)| *token == Token::Name("in")),
            Token::Name("in") => self.loops_over != Some(at),
            _ => false,
        }
    }

    /// Counts what is compared, where it may be large: next to a literal it is not, unless it is searched.
    fn write_comparison(&self, comparison: &Comparison, edits: &mut Vec<Edit>) {
        let sides = &comparison.sides;
        let is_short = !comparison.searches && sides.len() == 2 && sides.iter().any(|side| self.is_literal(side));
        if sides.len() > 1 && !is_short {
            sides.iter().for_each(|side| self.pass(side, READ_FILTER, edits));
        }
    }

    /// The operator here, and of how many tokens it is. At the beginning of an operand, a sign or a star is none.
    fn operator(&self, at: usize, operand: &Range<usize>) -> Option<(Operator, usize)> {
        let Token::Mark(mark) = self.tokens[at].1 else { return None };
        let is_twice = self.is_mark(at + 1, mark) && self.tokens[at + 1].0 == self.tokens[at].0 + 1;
        let follows = operand.end == at && !operand.is_empty();
        match mark {
            _ if !follows => None,
            '~' => Some((Operator::Join, 1)),
            '+' if !self.is_exponent(at) => Some((Operator::Add, 1)),
            '-' if !self.is_exponent(at) && !self.is_power(at) => Some((Operator::Subtract, 1)),
            '*' if !is_twice && !self.is_power(at) => Some((Operator::Times, 1)),
            '/' => Some((Operator::Divide, 1 + usize::from(is_twice))),
            '%' => Some((Operator::Divide, 1)),
            _ => None,
        }
    }

    fn is_mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|(_, token)| *token == Token::Mark(mark))
    }

    /// Whether this mark is the second star of `**`, or the sign of the operand after it.
    fn is_power(&self, at: usize) -> bool {
        at > 0 && self.is_mark(at - 1, '*') && (self.is_mark(at, '*') || (at > 1 && self.is_mark(at - 2, '*')))
    }

    /// Whether this sign belongs to a number such as `1e-5`.
    fn is_exponent(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.tokens[before]);
        before.is_some_and(|(offset, token)| {
            matches!(token, Token::Name(name) if name.starts_with(|c: char| c.is_ascii_digit())
                && name.ends_with(['e', 'E']) && offset + name.len() == self.tokens[at].0)
        })
    }

    fn is_boundary(&self, at: usize, operand: &Range<usize>) -> bool {
        match self.tokens[at].1 {
            Token::Mark(mark) => {
                matches!(mark, ',' | ':' | '=' | '<' | '>' | '!') || (mark == '*' && operand.is_empty())
            }
            Token::Name("not") => !self.is_test(at),
            Token::Name(name) => {
                !self.is_attribute(at)
                    && matches!(
                        name,
                        "and"
                            | "or"
                            | "in"
                            | "if"
                            | "else"
                            | "recursive"
                            | "as"
                            | "import"
                            | "ignore"
                            | "with"
                            | "without"
                    )
            }
            Token::Text(_) => false,
        }
    }

    fn is_test(&self, at: usize) -> bool {
        at > 0 && matches!(self.tokens[at - 1].1, Token::Name("is"))
    }

    /// Whether this is the name of an attribute, filter or test.
    fn is_attribute(&self, at: usize) -> bool {
        at > 0 && matches!(self.tokens[at - 1].1, Token::Mark('.' | '|') | Token::Name("is"))
    }

    /// Writes the edits of a chain: the tightest operators first.
    fn write(&self, chain: &Chain, edits: &mut Vec<Edit>) {
        if chain.operators.is_empty() || chain.operands.iter().any(Range::is_empty) {
            return;
        }
        let products =
            self.split(chain, &(0..chain.operands.len()), &[Operator::Join, Operator::Add, Operator::Subtract]);
        for product in products {
            self.write_product(chain, &product, edits);
        }
        let sums = self.split(chain, &(0..chain.operands.len()), &[Operator::Add, Operator::Subtract]);
        for joined in &sums {
            let operands = self.split(chain, joined, &[Operator::Join]);
            if operands.len() > 1 {
                operands.iter().for_each(|operand| self.wrap(chain, operand, edits));
            }
        }
        let is_number = |sum: &Range<usize>| sum.len() == 1 && self.is_number(&chain.operands[sum.start]);
        let adds = chain.operators.iter().any(|(operator, _)| *operator == Operator::Add);
        if adds && !sums.iter().any(is_number) {
            sums.iter().for_each(|sum| self.wrap(chain, sum, edits));
        }
    }

    /// The ranges of operands between operators of these kinds.
    fn split(&self, chain: &Chain, within: &Range<usize>, at: &[Operator]) -> Vec<Range<usize>> {
        let (mut found, mut start) = (Vec::new(), within.start);
        for index in within.start..within.end - 1 {
            if at.contains(&chain.operators[index].0) {
                found.push(start..index + 1);
                start = index + 1;
            }
        }
        found.push(start..within.end);
        found
    }

    fn write_product(&self, chain: &Chain, product: &Range<usize>, edits: &mut Vec<Edit>) {
        let start = self.start(&chain.operands[product.start]);
        for index in product.start..product.end - 1 {
            let (operator, at) = chain.operators[index];
            if operator == Operator::Times {
                let (sign, after) = (self.tokens[at].0, &chain.operands[index + 1]);
                edits.push((start..start, "(".to_owned()));
                edits.push((sign..sign + 1, format!(")|{TIMES_FILTER}(")));
                edits.push((self.end(after)..self.end(after), ")".to_owned()));
            }
        }
    }

    fn wrap(&self, chain: &Chain, operands: &Range<usize>, edits: &mut Vec<Edit>) {
        let (first, last) = (&chain.operands[operands.start], &chain.operands[operands.end - 1]);
        self.pass(&(first.start..last.end), JOINED_FILTER, edits);
    }

    /// Has something pass through a filter, unless it stands there as it is.
    fn pass(&self, operand: &Range<usize>, filter: &str, edits: &mut Vec<Edit>) {
        if !self.is_literal(operand) {
            let (start, end) = (self.start(operand), self.end(operand));
            edits.push((start..start, "(".to_owned()));
            edits.push((end..end, format!(")|{filter}")));
        }
    }

    fn is_number(&self, operand: &Range<usize>) -> bool {
        matches!(self.tokens[operand.start].1, Token::Name(name) if name.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Whether this is a number, a text, or a list of them.
    fn is_literal(&self, operand: &Range<usize>) -> bool {
        let mut within = operand.clone();
        if self.is_mark(operand.start, '[') && self.closing[operand.start] == operand.end - 1 {
            within = operand.start + 1..operand.end - 1;
        } else if self.is_number(operand) {
            return true;
        } else if operand.len() > 1 {
            return false;
        }
        within.clone().all(|at| match self.tokens[at].1 {
            Token::Text(_) | Token::Mark(',') => true,
            _ => self.is_number(&(at..at + 1)),
        })
    }

    fn start(&self, operand: &Range<usize>) -> usize {
        self.tokens[operand.start].0
    }

    fn end(&self, operand: &Range<usize>) -> usize {
        end_of(self.tokens[operand.end - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(source: &str) -> String {
        let mut edits = counted(source, 0..source.len(), false);
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let (mut text, mut at) = (String::new(), 0);
        for (range, edit) in edits {
            text.push_str(&source[at..range.start]);
            text.push_str(&edit);
            at = range.end;
        }
        text + &source[at..]
    }

    #[test]
    fn operands_keep_their_operators() {
        for (source, expected) in [
            ("a ~ b|upper ~ 'c'", "(a)|__joined ~ (b|upper)|__joined ~ 'c'"),
            ("a * b / c * -d", "((a )|__times( b) / c )|__times( -d)"),
            ("a ~ b * 2", "(a)|__joined ~ ((b )|__times( 2))|__joined"),
            ("a + b", "(a)|__joined + (b)|__joined"),
            ("a + 1", "a + 1"),
            ("a.in * 2 ** -3 > 1e-5", "(a.in )|__times( 2 ** -3) > 1e-5"),
            ("f(*a, **b, x=c~d)", "f(*a, **b, x=(c)|__joined~(d)|__joined)"),
            ("x is not odd ~ y", "(x is not odd)|__joined ~ (y)|__joined"),
            ("- a ~ b -", "- (a)|__joined ~ (b)|__joined -"),
            (
                "1 ~ 2 if not a else [b + c, d[e:f * g]]",
                "1 ~ 2 if not a else [(b)|__joined + (c)|__joined, d[e:(f )|__times( g)]]",
            ),
            ("a ~", "a ~"),
            ("a == b", "(a)|__read == (b)|__read"),
            ("a == 1 and 'x' != b|upper", "a == 1 and 'x' != b|upper"),
            (
                "not a ~ b<=c.d[e in f] or g",
                "not ((a)|__joined ~ (b)|__joined)|__read<=(c.d[(e)|__read in (f)|__read])|__read or g",
            ),
            ("a not in b", "(a)|__read not in (b)|__read"),
            ("a in ['b', 2]", "(a)|__read in ['b', 2]"),
            ("a in [b]", "(a)|__read in ([b])|__read"),
            ("a < b < 3", "(a)|__read < (b)|__read < 3"),
            ("f(a=b, c=d == e)", "f(a=b, c=(d)|__read == (e)|__read)"),
        ] {
            assert_eq!(rewritten(source), expected);
        }
    }
}
