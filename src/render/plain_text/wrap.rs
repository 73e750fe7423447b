//! Lines that are as wide as a reader sees at once.

/// How wide a line of text may be, in characters: what mail programs show without wrapping.
pub(super) const WIDTH: usize = 78;

/// The longest text of a cell that is a bullet or a number before the next one.
const BULLET: usize = 3;

/// Adds a line whose cells end where `ends` says: side by side where there is room, else below each other.
pub(super) fn cells(text: &mut String, line: &str, ends: &[usize], indentation: &str) {
    let side_by_side = width(line) + ends.len() * 2 + indentation.len() <= WIDTH;
    let (mut start, mut bullet) = (0, None);
    for end in ends.iter().copied().chain([line.len()]) {
        let cell = line[start..end].trim_end();
        start = end;
        if cell.is_empty() {
            continue;
        }
        match bullet {
            Some(bullet) if side_by_side || bullet => text.push_str("  "),
            Some(_) => next(text, indentation),
            None => {}
        }
        self::line(text, cell, indentation);
        bullet = Some(width(cell) <= BULLET);
    }
}

/// Adds a line, wrapped at spaces. A word is never broken: it may be an address or a code.
pub(super) fn line(text: &mut String, line: &str, indentation: &str) {
    let mut left = WIDTH.saturating_sub(indentation.len());
    if line.len() <= left {
        return put(text, line);
    }
    let mut first = true;
    for word in line.split(' ') {
        let width = width(word);
        if first {
            left = left.saturating_sub(width);
        } else if let Some(rest) = left.checked_sub(width + 1) {
            text.push(' ');
            left = rest;
        } else {
            next(text, indentation);
            left = WIDTH.saturating_sub(indentation.len() + width);
        }
        put(text, word);
        first = false;
    }
}

/// Begins the next line of an indented paragraph.
pub(super) fn next(text: &mut String, indentation: &str) {
    text.push('\n');
    text.push_str(indentation);
}

fn put(text: &mut String, words: &str) {
    if words.is_ascii() {
        return text.push_str(words);
    }
    let mut parts = words.split('\u{a0}');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push(' ');
        text.push_str(part);
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}
