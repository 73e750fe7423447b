//! Python's methods of texts.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, State, Value};

use super::args::{Args, Entry, LIMIT, invalid, items};
use super::layout::{Align, padded};
use super::strings::{capitalized, replaced};
use super::text::Text;
use crate::render::allowance::{spend, spend_on_joining};

pub(super) const METHODS: &[Entry] = &[
    ("upper", &["self"], |_, args| mapped(args, str::to_uppercase)),
    ("lower", &["self"], |_, args| mapped(args, str::to_lowercase)),
    ("casefold", &["self"], |_, args| mapped(args, |text| text.to_lowercase().replace('ß', "ss"))),
    ("capitalize", &["self"], |_, args| mapped(args, capitalized)),
    ("title", &["self"], |_, args| mapped(args, titled)),
    ("swapcase", &["self"], |_, args| mapped(args, swapped)),
    ("istitle", &["self"], |_, args| Ok(is_titled(args.text("self").as_str()).into())),
    ("isdecimal", &["self"], |_, args| all(args, char::is_numeric)),
    ("isprintable", &["self"], |_, args| Ok((!args.text("self").as_str().contains(char::is_control)).into())),
    ("isidentifier", &["self"], |_, args| Ok(is_identifier(args.text("self").as_str()).into())),
    ("center", &["self", "width", "fillchar"], |_, args| aligned(args, Align::Center)),
    ("ljust", &["self", "width", "fillchar"], |_, args| aligned(args, Align::Left)),
    ("rjust", &["self", "width", "fillchar"], |_, args| aligned(args, Align::Right)),
    ("zfill", &["self", "width"], zfill),
    ("expandtabs", &["self", "tabsize"], expandtabs),
    ("strip", &["self", "chars"], |_, args| stripped(args, true, true)),
    ("lstrip", &["self", "chars"], |_, args| stripped(args, true, false)),
    ("rstrip", &["self", "chars"], |_, args| stripped(args, false, true)),
    ("removeprefix", &["self", "prefix"], |_, args| {
        mapped(args, |text| text.strip_prefix(args.text("prefix").as_str()).unwrap_or(text).to_owned())
    }),
    ("removesuffix", &["self", "suffix"], |_, args| {
        mapped(args, |text| text.strip_suffix(args.text("suffix").as_str()).unwrap_or(text).to_owned())
    }),
    ("replace", &["self", "old", "new", "count"], replace),
    ("translate", &["self", "table"], translate),
    ("join", &["self", "iterable"], join),
    ("split", &["self", "sep", "maxsplit"], split),
    ("rsplit", &["self", "sep", "maxsplit"], rsplit),
    ("splitlines", &["self", "keepends"], splitlines),
    ("partition", &["self", "sep"], partition),
    ("rpartition", &["self", "sep"], rpartition),
    ("startswith", &["self", "prefix", "start", "end"], |_, args| {
        touches(args, "prefix", |text, part| text.starts_with(part))
    }),
    ("endswith", &["self", "suffix", "start", "end"], |_, args| {
        touches(args, "suffix", |text, part| text.ends_with(part))
    }),
    ("find", &["self", "sub", "start", "end"], |_, args| {
        Ok(Value::from(found(args, |text, part| text.find(part))?.unwrap_or(-1)))
    }),
    ("rfind", &["self", "sub", "start", "end"], |_, args| {
        Ok(Value::from(found(args, |text, part| text.rfind(part))?.unwrap_or(-1)))
    }),
    ("index", &["self", "sub", "start", "end"], |_, args| certain(found(args, |text, part| text.find(part))?)),
    ("rindex", &["self", "sub", "start", "end"], |_, args| certain(found(args, |text, part| text.rfind(part))?)),
    ("count", &["self", "sub", "start", "end"], |_, args| {
        Ok(Value::from(window(args)?.1.matches(args.text("sub").as_str()).count()))
    }),
];

fn mapped(args: &Args, change: impl FnOnce(&str) -> String) -> Result<Value, Error> {
    let text = args.text("self");
    Ok(text.derive(change(text.as_str())))
}

fn all(args: &Args, is: impl Fn(char) -> bool) -> Result<Value, Error> {
    let text = args.text("self");
    Ok(Value::from(!text.as_str().is_empty() && text.as_str().chars().all(is)))
}

/// Every run of letters starts with a capital, even after an apostrophe: that is how Python's method does it.
fn titled(text: &str) -> String {
    let mut in_word = false;
    let mut titled = String::with_capacity(text.len());
    for c in text.chars() {
        if in_word {
            titled.extend(c.to_lowercase());
        } else {
            titled.extend(c.to_uppercase());
        }
        in_word = c.is_alphabetic();
    }
    titled
}

fn is_titled(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && titled(text) == text
}

fn swapped(text: &str) -> String {
    let swap = |c: char| -> String {
        if c.is_uppercase() {
            c.to_lowercase().collect()
        } else if c.is_lowercase() {
            c.to_uppercase().collect()
        } else {
            c.into()
        }
    };
    text.chars().map(swap).collect()
}

fn is_identifier(text: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    text.starts_with(starts) && text.chars().all(|c| starts(c) || c.is_numeric())
}

fn aligned(args: &Args, align: Align) -> Result<Value, Error> {
    let fill = args.text_or("fillchar", " ");
    let &[fill] = &fill.chars()[..] else {
        return Err(invalid("`fillchar` must be one character"));
    };
    let width = args.size("width", 0)?;
    mapped(args, |text| padded(text, width, fill, align))
}

fn zfill(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let width = args.size("width", 0)?;
    mapped(args, |text| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sign = &text[..text.len() - digits.len()];
        format!("{sign}{}", padded(digits, width.saturating_sub(sign.len()), '0', Align::Right))
    })
}

fn expandtabs(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let size = args.size("tabsize", 8)?;
    if args.text("self").as_str().matches('\t').count().saturating_mul(size) > LIMIT {
        return Err(invalid(format!("expandtabs would add more than {LIMIT} spaces")));
    }
    mapped(args, |text| {
        let (mut expanded, mut column) = (String::new(), 0);
        for c in text.chars() {
            if c == '\t' {
                let spaces = if size == 0 { 0 } else { size - column % size };
                expanded.push_str(&" ".repeat(spaces));
                column += spaces;
            } else {
                expanded.push(c);
                column = if c == '\n' { 0 } else { column + 1 };
            }
        }
        expanded
    })
}

fn stripped(args: &Args, left: bool, right: bool) -> Result<Value, Error> {
    let chars = args.given("chars").map(|chars| Text::of(chars).chars());
    let drop = |c: char| chars.as_ref().map_or(c.is_whitespace(), |chars| chars.contains(&c));
    mapped(args, |text| {
        let text = if left { text.trim_start_matches(drop) } else { text };
        (if right { text.trim_end_matches(drop) } else { text }).to_owned()
    })
}

fn replace(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, old, new) = (args.text("self"), args.text("old"), args.text("new"));
    let count = args.integer("count")?.unwrap_or(-1);
    let new = if text.is_safe() { new.escaped(state)?.into_owned() } else { new.as_str().to_owned() };
    Ok(text.derive(replaced(text.as_str(), old.as_str(), &new, count)?))
}

/// The table maps code points, as numbers, to texts, code points or none.
fn translate(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let table = args.value("table");
    mapped(args, |text| {
        let translated = text.chars().map(|c| match table.get_item(&Value::from(u32::from(c))) {
            Ok(found) if found.is_none() => String::new(),
            Ok(found) if spend(found.as_str().map_or(0, str::len)).is_err() => String::new(),
            Ok(found) if found.as_str().is_some() => Text::of(&found).as_str().to_owned(),
            Ok(found) => u32::try_from(found).ok().and_then(char::from_u32).unwrap_or(c).to_string(),
            Err(_) => c.to_string(),
        });
        translated.collect()
    })
}

fn join(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (between, parts) = (args.text("self"), items(args.value("iterable"))?);
    let parts = parts.iter().map(|part| {
        let part = Text::of(part);
        Ok(if between.is_safe() { part.escaped(state)?.into_owned() } else { part.as_str().to_owned() })
    });
    let parts = parts.collect::<Result<Vec<_>, Error>>()?;
    spend_on_joining(parts.iter().map(String::as_str), between.as_str())?;
    Ok(between.derive(parts.join(between.as_str())))
}

/// How often to split at most; every time where that is left out or negative.
fn splits(args: &Args) -> Result<usize, Error> {
    Ok(args.integer("maxsplit")?.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX - 1))
}

fn separator(args: &Args) -> Result<Option<String>, Error> {
    let separator = args.given("sep").map(|separator| Text::of(separator).as_str().to_owned());
    if separator.as_deref() == Some("") {
        return Err(invalid("the separator is empty"));
    }
    Ok(separator)
}

fn parts<'t>(text: &Text<'_>, parts: impl IntoIterator<Item = &'t str>) -> Value {
    Value::from(parts.into_iter().map(|part| text.derive(part)).collect::<Vec<_>>())
}

fn split(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, splits) = (args.text("self"), splits(args)?);
    if let Some(separator) = separator(args)? {
        return Ok(parts(&text, text.as_str().splitn(splits + 1, separator.as_str())));
    }
    let (mut words, mut rest) = (Vec::new(), text.as_str().trim_start());
    while let Some(end) = rest.find(char::is_whitespace).filter(|_| words.len() < splits) {
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    Ok(parts(&text, words.into_iter().chain(Some(rest).filter(|rest| !rest.is_empty()))))
}

fn rsplit(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, splits) = (args.text("self"), splits(args)?);
    let mut words: Vec<&str> = Vec::new();
    let separator = separator(args)?;
    if let Some(separator) = &separator {
        words.extend(text.as_str().rsplitn(splits + 1, separator.as_str()));
    } else {
        let mut rest = text.as_str().trim_end();
        while let Some((at, space)) = rest.char_indices().rfind(|(_, c)| c.is_whitespace()) {
            if words.len() == splits {
                break;
            }
            words.push(&rest[at + space.len_utf8()..]);
            rest = rest[..at].trim_end();
        }
        words.extend(Some(rest).filter(|rest| !rest.is_empty()));
    }
    words.reverse();
    Ok(parts(&text, words))
}

fn splitlines(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("self");
    if args.flag("keepends", false) {
        return Ok(parts(&text, text.as_str().split_inclusive('\n')));
    }
    Ok(parts(&text, text.as_str().lines()))
}

fn partition(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, separator) = (args.text("self"), separator(args)?.unwrap_or_default());
    let three = match text.as_str().split_once(&separator) {
        Some((before, after)) => [before, separator.as_str(), after],
        None => [text.as_str(), "", ""],
    };
    Ok(Value::from(Tuple::from(three.map(|part| text.derive(part)))))
}

fn rpartition(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, separator) = (args.text("self"), separator(args)?.unwrap_or_default());
    let three = match text.as_str().rsplit_once(&separator) {
        Some((before, after)) => [before, separator.as_str(), after],
        None => ["", "", text.as_str()],
    };
    Ok(Value::from(Tuple::from(three.map(|part| text.derive(part)))))
}

/// Python's bounds of a slice: negative ones count from the end, and none is out of range.
pub(super) fn bounds(args: &Args, start: &str, end: &str, length: usize) -> Result<(usize, usize), Error> {
    let at = |bound: Option<i64>, default: usize| match bound {
        None => default,
        Some(bound) => match usize::try_from(bound) {
            Ok(bound) => bound.min(length),
            Err(_) => length.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX)),
        },
    };
    let end = at(args.integer(end)?, length);
    Ok((at(args.integer(start)?, 0).min(end), end))
}

/// The part of the text between `start` and `end`, and where it starts.
fn window(args: &Args) -> Result<(usize, String), Error> {
    let chars = args.text("self").chars();
    let (start, end) = bounds(args, "start", "end", chars.len())?;
    Ok((start, chars[start..end].iter().collect()))
}

fn touches(args: &Args, name: &str, touches: impl Fn(&str, &str) -> bool) -> Result<Value, Error> {
    let ((_, text), wanted) = (window(args)?, args.value(name));
    let wanted = if wanted.kind() == ValueKind::Seq { items(wanted)? } else { vec![wanted.clone()] };
    Ok(Value::from(wanted.iter().any(|part| touches(&text, Text::of(part).as_str()))))
}

fn found(args: &Args, find: impl Fn(&str, &str) -> Option<usize>) -> Result<Option<i64>, Error> {
    let (start, text) = window(args)?;
    let at = find(&text, args.text("sub").as_str());
    Ok(at.and_then(|at| i64::try_from(start + text[..at].chars().count()).ok()))
}

fn certain(found: Option<i64>) -> Result<Value, Error> {
    found.map(Value::from).ok_or_else(|| invalid("the text does not contain that; `.find()` gives -1 instead"))
}
