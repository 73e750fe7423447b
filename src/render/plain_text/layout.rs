//! Lines: white space, and the gaps between paragraphs.

use std::ops::Range;

use super::links::{BEFORE_ADDRESS, BEHIND_ADDRESS, Link};
use super::wrap;
use crate::render::entities;

/// A text as far as it is known.
///
/// A line that has ended stays open until the next text comes: only then is it clear what stands between the two.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    /// How many lines the text has, before they are wrapped.
    pub(super) lines: usize,
    pub(super) line: String,
    /// Line ends that are due before the next text.
    pub(super) gap: usize,
    /// White space that is due before the next text, and whether the line may be wrapped there.
    pub(super) space: Option<char>,
    /// A joiner: it is kept only where it joins two characters.
    joiner: Option<char>,
    /// What indents every line.
    pub(super) indentation: String,
    /// What takes the place of the end of the indentation in the first line of an item.
    pub(super) marker: String,
    /// The number of the next item and the indentation around the list, for each list that is open.
    pub(super) lists: Vec<(Option<u32>, usize)>,
    /// The indentation around each quotation that is open.
    pub(super) quotes: Vec<usize>,
    /// How many lines there were when the current row began, for each table that is open.
    pub(super) rows: Vec<usize>,
    /// Where cells end in the line.
    pub(super) cells: Vec<usize>,
    pub(super) link: Option<Link>,
    /// Where the address of a link stands whose text began the line.
    pub(super) address: Range<usize>,
    /// Where the line ended behind the latest address.
    pub(super) behind_address: usize,
    /// How many struck-through elements are open, and whether the mark before their text is due.
    pub(super) struck: usize,
    pub(super) mark_due: bool,
    pub(super) preformatted: bool,
}

impl Layout {
    pub(super) fn new(capacity: usize) -> Layout {
        Layout { text: String::with_capacity(capacity), ..Layout::default() }
    }

    pub(super) fn finish(mut self) -> String {
        self.flush();
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }

    /// Adds text as it stands in a page.
    pub(super) fn text(&mut self, html: &str) {
        let mut rest = html;
        let mut resolved = String::new();
        while let Some(&byte) = rest.as_bytes().first() {
            let length = if byte == b'&' {
                resolved.clear();
                let length = entities::decode(rest, &mut resolved);
                resolved.chars().for_each(|c| self.character(c));
                length
            } else if is_plain(byte) {
                let length = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
                self.word(&rest[..length]);
                length
            } else if byte.is_ascii_whitespace() && !self.preformatted {
                self.space = Some(' ');
                rest.bytes().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
            } else {
                let Some(character) = rest.chars().next() else { return };
                self.character(character);
                character.len_utf8()
            };
            rest = &rest[length..];
        }
    }

    fn character(&mut self, character: char) {
        match character {
            _ if self.preformatted && character.is_whitespace() => self.preformatted_space(character),
            '\u{a0}' | '\u{2007}' | '\u{202f}' => {
                self.space.get_or_insert('\u{a0}');
            }
            ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{2000}'..='\u{200a}' | '\u{205f}' => self.space = Some(' '),
            '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}' => self.joiner = Some(character),
            '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => {}
            _ if character.is_control() => {}
            _ => self.word(character.encode_utf8(&mut [0; 4])),
        }
    }

    fn preformatted_space(&mut self, space: char) {
        match space {
            '\n' if self.line.is_empty() => {}
            '\n' => self.gap += 1,
            '\r' => {}
            _ => {
                self.begin();
                self.line.push(if space == '\t' { space } else { ' ' });
            }
        }
    }

    /// Adds characters none of which is white space.
    pub(super) fn word(&mut self, word: &str) {
        self.begin();
        let (space, joiner) = (self.space.take(), self.joiner.take());
        if self.cell_is_empty() {
            // White space at the start of a line or of a cell is none.
        } else if let Some(space) = space {
            self.line.push(space);
        } else if self.behind_address == self.line.len() && word.starts_with(char::is_alphanumeric) {
            self.line.push(' ');
        } else {
            self.line.extend(joiner);
        }
        self.note_text();
        self.line.push_str(word);
    }

    /// Begins the line that the next text belongs to.
    fn begin(&mut self) {
        if self.gap == 0 {
            return;
        }
        self.flush();
        if !self.text.is_empty() {
            self.text.extend(std::iter::repeat_n('\n', self.gap));
        }
        self.gap = 0;
        self.space = None;
    }

    /// Ends the line.
    pub(super) fn flush(&mut self) {
        if !self.line.trim_end().is_empty() {
            self.write_line();
            self.lines += 1;
            self.gap = self.gap.max(1);
            self.marker.clear();
        }
        self.line.clear();
        self.cells.clear();
        self.address = 0..0;
        self.behind_address = 0;
        self.space = None;
    }

    fn write_line(&mut self) {
        let indentation = self.indentation.as_str();
        let first = &indentation[..indentation.len().saturating_sub(self.marker.len())];
        self.text.push_str(first);
        self.text.push_str(&self.marker);
        if self.preformatted {
            self.text.push_str(self.line.trim_end());
        } else if self.is_one_link() {
            let text = &self.line[..self.address.start - BEFORE_ADDRESS.len()];
            wrap::line(&mut self.text, text, indentation);
            wrap::next(&mut self.text, indentation);
            self.text.push_str(&self.line[self.address.clone()]);
        } else {
            wrap::cells(&mut self.text, &self.line, &self.cells, indentation);
        }
    }

    /// Whether the line is a link and nothing else, such as a button: its address gets a line of its own, outside of lists.
    fn is_one_link(&self) -> bool {
        !self.address.is_empty() && self.address.end + BEHIND_ADDRESS.len() == self.line.len() && self.marker.is_empty()
    }

    /// Ends the line: the next text stands so many lines below. Space above the first text of a cell or an item is none.
    pub(super) fn gap(&mut self, lines: usize) {
        let first = if self.line.is_empty() { !self.marker.is_empty() } else { self.cell_is_empty() };
        if !first {
            self.gap = self.gap.max(lines);
        }
    }

    /// The second one in a row makes an empty line.
    pub(super) fn line_break(&mut self) {
        self.gap((self.gap + 1).min(2));
    }

    pub(super) fn rule(&mut self) {
        self.gap(2);
        self.word("----------------------------------------");
        self.gap(2);
    }

    pub(super) fn cell_is_empty(&self) -> bool {
        self.line.len() == self.cells.last().copied().unwrap_or_default()
    }
}

/// Bytes that stand for themselves and need no look at their character. The others may begin white space or what is dropped.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || !matches!(byte, 0..=b' ' | b'&' | 0x7f | 0xc2 | 0xcd | 0xe2 | 0xef)
}
