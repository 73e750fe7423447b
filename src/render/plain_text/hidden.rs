//! Elements that a page does not show.

use super::element::Element;
use super::tokens::{Token, length_until};

/// Declarations that hide an element. `mso-hide:all` is none: it hides from Outlook alone what Outlook gets in another form,
/// such as the button that everybody else sees.
const HIDING: [(&str, &str); 3] = [("display", "none"), ("visibility", "hidden"), ("max-height", "0")];

/// Whether a style hides its element.
pub(super) fn hides(style: &str) -> bool {
    declarations(style.as_bytes()).any(is_hiding)
}

fn declarations(style: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(style);
    std::iter::from_fn(move || {
        let style = rest?;
        let (declaration, behind) = style.split_at(length_until(b';', style));
        rest = behind.get(1..);
        Some(declaration)
    })
}

fn is_hiding(declaration: &[u8]) -> bool {
    let declaration = declaration.trim_ascii_start();
    // Most declarations differ from the start, and the styles are the largest part of an e-mail.
    if !matches!(declaration, [b'd' | b'D' | b'v' | b'V' | b'm' | b'M', ..]) {
        return false;
    }
    let mut parts = declaration.splitn(2, |byte| *byte == b':').map(<[u8]>::trim_ascii);
    let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let value = value.split(|byte| matches!(byte, b'!' | b' ')).next().unwrap_or_default();
    let number = value.split(|byte| byte.is_ascii_alphabetic() || *byte == b'%').next().unwrap_or_default();
    let same = |wanted: &str, found: &[u8]| wanted.as_bytes().eq_ignore_ascii_case(found);
    HIDING.iter().any(|(property, hiding)| same(property, name) && (same(hiding, value) || same(hiding, number)))
}

/// An element that is passed over until its end.
#[derive(Debug)]
pub(super) struct Hidden<'a> {
    name: &'a [u8],
    element: Element,
    /// How many elements are open in it of the kind whose insides do not end it.
    inner: usize,
}

/// How a token stands to a hidden element.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Inside,
    Last,
    Behind,
}

impl<'a> Hidden<'a> {
    pub(super) fn new(name: &'a [u8], element: Element) -> Hidden<'a> {
        Hidden { name, element, inner: 0 }
    }

    /// Takes the next token into account. Elements end as in a browser, also those whose end tag is left out.
    pub(super) fn standing(&mut self, token: &Token<'_>) -> Standing {
        match token {
            Token::Text(_) => Standing::Inside,
            Token::Open(tag) => {
                let element = tag.element;
                if self.inner == 0 && self.ends_before(element) {
                    return Standing::Behind;
                }
                self.inner += usize::from(self.nests(tag.name, element));
                Standing::Inside
            }
            Token::Close(name, element) => {
                if self.inner == 0 && name.eq_ignore_ascii_case(self.name) {
                    return Standing::Last;
                }
                if self.inner == 0 && self.ends_with(*element) {
                    return Standing::Behind;
                }
                self.inner -= usize::from(self.inner > 0 && self.nests(name, *element));
                Standing::Inside
            }
        }
    }

    fn nests(&self, name: &[u8], element: Element) -> bool {
        match self.element {
            Element::Paragraph | Element::Head => false,
            Element::Item => matches!(element, Element::List { .. }),
            Element::Row | Element::Cell => element == Element::Table,
            _ => name.eq_ignore_ascii_case(self.name),
        }
    }

    fn ends_before(&self, opened: Element) -> bool {
        match self.element {
            Element::Paragraph | Element::Head => opened.is_block(),
            Element::Item => opened == Element::Item,
            Element::Row => opened == Element::Row,
            Element::Cell => matches!(opened, Element::Cell | Element::Row),
            _ => false,
        }
    }

    fn ends_with(&self, closed: Element) -> bool {
        match self.element {
            Element::Paragraph | Element::Head => closed.is_block(),
            Element::Item => matches!(closed, Element::List { .. }),
            Element::Row => closed == Element::Table,
            Element::Cell => matches!(closed, Element::Row | Element::Table),
            _ => false,
        }
    }
}
