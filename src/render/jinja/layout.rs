//! Filters that fit text into a width.

use minijinja::{Error, State, Value};

use super::args::{Args, Entry, LIMIT, invalid};
use super::text::{Text, safe_if};
use crate::render::allowance::spend_on_joining;

pub(super) const FILTERS: &[Entry] = &[
    ("center", &["value", "width"], center),
    ("indent", &["s", "width", "first", "blank"], indent),
    ("truncate", &["s", "length", "killwords", "end", "leeway"], truncate),
    ("wordwrap", &["s", "width", "break_long_words", "wrapstring", "break_on_hyphens"], wordwrap),
];

/// Where a padded text stands in its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Center,
}

/// Fills a text up to a width in characters. Python puts the odd one left of the text when the width is odd.
pub(super) fn padded(text: &str, width: usize, fill: char, align: Align) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = match align {
        Align::Left => 0,
        Align::Right => missing,
        Align::Center => missing / 2 + (missing & width & 1),
    };
    let fill = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    format!("{}{text}{}", fill(left), fill(missing - left))
}

/// Fills a number up between its sign (or `0x`) and its digits.
pub(super) fn sign_first(number: &str, width: usize, fill: char) -> String {
    let (prefix, digits) = number.split_at(prefix_length(number));
    format!("{prefix}{}", padded(digits, width.saturating_sub(prefix.len()), fill, Align::Right))
}

/// How long the sign and the `0x` before a number's digits are.
pub(super) fn prefix_length(number: &str) -> usize {
    let unsigned = number.trim_start_matches(['+', '-', ' ']);
    let prefixes = ["0x", "0X", "0o", "0b"];
    let digits = prefixes.iter().find_map(|prefix| unsigned.strip_prefix(prefix)).unwrap_or(unsigned);
    number.len() - digits.len()
}

fn center(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("value");
    Ok(text.derive(padded(text.as_str(), args.size("width", 80)?, ' ', Align::Center)))
}

fn indent(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("s");
    let spaces = match args.given("width") {
        Some(width) if width.as_str().is_some() => Text::of(width).as_str().to_owned(),
        _ => " ".repeat(args.size("width", 4)?),
    };
    let (first, blank) = (args.flag("first", false), args.flag("blank", false));
    let with_end = format!("{}\n", text.as_str());
    let lines: Vec<&str> = with_end.lines().collect();
    if lines.len().saturating_mul(spaces.len()) > LIMIT * 10 {
        return Err(invalid(format!("indent would add more than {} characters", LIMIT * 10)));
    }
    let indented = lines.iter().enumerate().map(|(index, line)| {
        let wanted = if index == 0 { first } else { blank || !line.is_empty() };
        if wanted { format!("{spaces}{line}") } else { (*line).to_owned() }
    });
    Ok(text.derive(indented.collect::<Vec<_>>().join("\n")))
}

fn truncate(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, end) = (args.text("s"), args.text_or("end", "..."));
    let (length, leeway) = (args.size("length", 255)?, args.size("leeway", 5)?);
    let (chars, end_length) = (text.chars(), end.as_str().chars().count());
    if length < end_length {
        return Err(invalid(format!("truncate: length {length} is shorter than its end, {end_length}")));
    }
    if chars.len() <= length + leeway {
        return Ok(text.derive(text.as_str()));
    }
    let mut kept: String = chars[..length - end_length].iter().collect();
    if let (false, Some(space)) = (args.flag("killwords", false), kept.rfind(' ')) {
        kept.truncate(space);
    }
    if !text.is_safe() && !end.is_safe() {
        return Ok(Value::from(kept + end.as_str()));
    }
    let kept_value = safe_if(text.is_safe(), kept);
    let kept = Text::of(&kept_value).escaped(state)?.into_owned();
    Ok(Value::from_safe_string(kept + &end.escaped(state)?))
}

fn wordwrap(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, newline) = (args.text("s"), args.text_or("wrapstring", "\n"));
    let wrap = Wrap {
        width: args.size("width", 79)?.max(1),
        break_long_words: args.flag("break_long_words", true),
        break_on_hyphens: args.flag("break_on_hyphens", true),
    };
    let lines = text.as_str().lines().flat_map(|line| match wrap.lines(line) {
        lines if lines.is_empty() => vec![String::new()],
        lines => lines,
    });
    let lines: Vec<String> = lines.collect();
    spend_on_joining(lines.iter().map(String::as_str), newline.as_str())?;
    Ok(Value::from(lines.join(newline.as_str())))
}

/// Wraps one line of text by the rules of Python's `textwrap`.
struct Wrap {
    width: usize,
    break_long_words: bool,
    break_on_hyphens: bool,
}

impl Wrap {
    fn lines(&self, text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        let mut chunks: Vec<&[char]> = self.chunks(&chars);
        chunks.reverse();
        let mut lines = Vec::new();
        while let Some(next) = chunks.last() {
            if is_blank(next) && !lines.is_empty() {
                chunks.pop();
            }
            let mut line = self.fill(&mut chunks);
            if line.last().is_some_and(|chunk| is_blank(chunk)) {
                line.pop();
            }
            if !line.is_empty() {
                lines.push(line.concat().iter().collect());
            }
        }
        lines
    }

    /// Takes the chunks of one line. A chunk that fits no line is cut, or has a line of its own.
    fn fill<'c>(&self, chunks: &mut Vec<&'c [char]>) -> Vec<&'c [char]> {
        let (mut line, mut length) = (Vec::new(), 0);
        while let Some(chunk) = chunks.pop() {
            if length + chunk.len() <= self.width {
                length += chunk.len();
                line.push(chunk);
                continue;
            }
            let mut rest = Some(chunk);
            if chunk.len() > self.width && self.break_long_words {
                let (head, tail) = chunk.split_at(self.cut(chunk, self.width - length));
                line.push(head);
                rest = Some(tail);
            } else if chunk.len() > self.width && line.is_empty() {
                line.push(chunk);
                rest = None;
            }
            chunks.extend(rest.filter(|rest| !rest.is_empty()));
            break;
        }
        line
    }

    /// Where a long word is cut: after its last hyphen that fits, else where the line ends.
    fn cut(&self, chunk: &[char], space: usize) -> usize {
        let hyphen = chunk[..space].iter().rposition(|c| *c == '-').filter(|_| self.break_on_hyphens);
        match hyphen {
            Some(at) if chunk[..at].iter().any(|c| *c != '-') => at + 1,
            _ => space,
        }
    }

    fn chunks<'c>(&self, chars: &'c [char]) -> Vec<&'c [char]> {
        let runs = chars.chunk_by(|a, b| a.is_whitespace() == b.is_whitespace());
        if !self.break_on_hyphens {
            return runs.collect();
        }
        runs.flat_map(hyphenated).collect()
    }
}

fn is_blank(chunk: &[char]) -> bool {
    chunk.iter().all(|c| c.is_whitespace())
}

/// Splits a word after its hyphens and around its dashes (`--`), as `textwrap` does.
fn hyphenated(word: &[char]) -> Vec<&[char]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for at in 1..word.len() {
        if breaks_before(word, at) {
            parts.push(&word[start..at]);
            start = at;
        }
    }
    parts.push(&word[start..]);
    parts
}

fn breaks_before(word: &[char], at: usize) -> bool {
    let letter = |index: Option<usize>| index.and_then(|i| word.get(i)).is_some_and(|c| c.is_alphabetic());
    let dash = |index: Option<usize>| index.and_then(|i| word.get(i)) == Some(&'-');
    let back = |count: usize| at.checked_sub(count);
    let ahead = |count: usize| at.checked_add(count);
    let after_hyphen = dash(back(1))
        && letter(back(2))
        && (letter(back(3)) || (dash(back(3)) && letter(back(4))))
        && letter(Some(at))
        && (letter(ahead(1)) || (dash(ahead(1)) && letter(ahead(2))));
    let in_words = |index: Option<usize>| {
        index.and_then(|i| word.get(i)).is_some_and(|c| c.is_alphanumeric() || "_!\"'&.,?".contains(*c))
    };
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let leads_on = || is_word(word[at..].iter().find(|c| **c != '-'));
    let before_dash = !dash(back(1)) && in_words(back(1)) && dash(Some(at)) && dash(ahead(1)) && leads_on();
    let after_dash = dash(back(1)) && dash(back(2)) && is_word(word.get(at));
    after_hyphen || before_dash || after_dash
}
