//! Tags and text, told apart as browsers do, however malformed the page is.

use super::element::Element;
use super::hidden::hides;

/// A piece of a page. Comments, declarations and the insides of styles and scripts are none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'a> {
    Text(&'a str),
    Open(Tag<'a>),
    /// The end of an element, with its name.
    Close(&'a [u8], Element),
}

/// An opening tag.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a [u8],
    pub(super) element: Element,
    /// The attribute that a text shows of such an element: where a link leads, what a picture is, where a list starts. Entities
    /// in it are not resolved.
    pub(super) shown: Option<&'a str>,
    pub(super) hidden: bool,
}

/// The tokens of a page.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(html: &'a str) -> Tokens<'a> {
        Tokens { html, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.html.as_bytes()[self.at..]
    }

    /// Passes over bytes as long as they are wanted.
    fn pass_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Passes over an ASCII character and everything before it, and gives the latter. Without it, everything is passed.
    fn pass_until(&mut self, mark: u8) -> &'a str {
        let start = self.at;
        let end = start + length_until(mark, self.rest());
        self.at = (end + 1).min(self.html.len());
        &self.html[start..end]
    }

    fn text(&mut self) -> Token<'a> {
        let start = self.at;
        self.at += 1;
        self.at += length_until(b'<', self.rest());
        Token::Text(&self.html[start..self.at])
    }

    fn comment_or_declaration(&mut self) {
        let rest = self.rest();
        let is_comment = rest.starts_with(b"<!--") && !rest.starts_with(b"<!-->") && !rest.starts_with(b"<!--->");
        self.at += if is_comment { "<!--".len() } else { 0 };
        while !self.pass_until(b'>').ends_with("--") && is_comment && self.at < self.html.len() {}
    }

    /// None if the page ends within the tag.
    fn close(&mut self) -> Option<Token<'a>> {
        self.at += "</".len();
        let name = self.pass_while(in_a_name);
        self.attributes(&mut Tag::default())?;
        Some(Token::Close(name, Element::of(name)))
    }

    fn open(&mut self) -> Option<Token<'a>> {
        self.at += "<".len();
        let name = self.pass_while(in_a_name);
        let mut tag = Tag { name, element: Element::of(name), ..Tag::default() };
        self.attributes(&mut tag)?;
        if tag.element == Element::Raw {
            self.pass_raw_text(tag.name);
        }
        Some(Token::Open(tag))
    }

    /// Reads up to the end of a tag, which a quoted '>' is not. None if the page ends before.
    fn attributes(&mut self, tag: &mut Tag<'a>) -> Option<()> {
        loop {
            match self.rest().first()? {
                b'>' => break,
                byte if *byte == b'/' || is_space(*byte) => self.at += 1,
                _ => self.attribute(tag),
            }
        }
        self.at += ">".len();
        Some(())
    }

    fn attribute(&mut self, tag: &mut Tag<'a>) {
        let start = self.at;
        // A name is at least one character long, whichever it is.
        self.at += 1;
        self.pass_while(|byte| in_a_name(byte) && byte != b'=');
        let name = &self.html.as_bytes()[start..self.at];
        self.pass_while(is_space);
        if self.rest().first() != Some(&b'=') {
            return tag.keep(name, "");
        }
        self.at += 1;
        self.pass_while(is_space);
        let value = match self.rest().first() {
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                self.pass_until(*quote)
            }
            _ => {
                let start = self.at;
                self.pass_while(|byte| !is_space(byte) && byte != b'>');
                &self.html[start..self.at]
            }
        };
        tag.keep(name, value);
    }

    /// Passes over text in which only the end of its own element is a tag.
    fn pass_raw_text(&mut self, name: &[u8]) {
        while self.at < self.html.len() {
            self.pass_until(b'<');
            let found = self.rest().strip_prefix(b"/").and_then(|found| found.get(..name.len()));
            if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
                self.at -= "<".len();
                return;
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match *self.rest() {
                [] => return None,
                [b'<', b'a'..=b'z' | b'A'..=b'Z', ..] => return self.open(),
                [b'<', b'/', b'a'..=b'z' | b'A'..=b'Z', ..] => return self.close(),
                [b'<', b'!' | b'?', ..] | [b'<', b'/', _, ..] => self.comment_or_declaration(),
                _ => return Some(self.text()),
            }
        }
    }
}

impl<'a> Tag<'a> {
    /// Of an attribute that stands there twice, the first holds.
    fn keep(&mut self, name: &[u8], value: &'a str) {
        if name.eq_ignore_ascii_case(b"style") {
            self.hidden |= hides(value);
        } else if name.eq_ignore_ascii_case(b"hidden") {
            self.hidden = true;
        } else if self.element.shows().is_some_and(|shown| name.eq_ignore_ascii_case(shown)) {
            self.shown.get_or_insert(value);
        }
    }
}

/// How far it is to a byte, or else to the end. Eight bytes are compared at once; most pieces of a page are so short that a search
/// which has to be set up takes longer.
pub(super) fn length_until(mark: u8, bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (blocks, rest) = bytes.as_chunks::<8>();
    for (number, block) in blocks.iter().enumerate() {
        let differing = u64::from_le_bytes(*block) ^ (ONES * u64::from(mark));
        // The lowest byte that borrows is the first one without a difference.
        let equal = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        if equal != 0 {
            return number * 8 + equal.trailing_zeros() as usize / 8;
        }
    }
    blocks.len() * 8 + rest.iter().position(|byte| *byte == mark).unwrap_or(rest.len())
}

/// Within tags, control characters are white space as well.
fn is_space(byte: u8) -> bool {
    byte <= b' '
}

fn in_a_name(byte: u8) -> bool {
    // Letters stand behind all that ends a name.
    byte > b'>' || !(is_space(byte) || matches!(byte, b'/' | b'>'))
}
