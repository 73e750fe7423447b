//! What elements mean to a text.

/// The kinds of elements that a text treats differently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Element {
    /// Stands in a line: `b`, `span`, and every name that HTML does not know.
    #[default]
    Inline,
    /// Holds no tags, and is not shown: `style`.
    Raw,
    /// Has neither text nor end: `input`.
    Void,
    /// Has lines of its own: `div`.
    Block,
    /// Has lines of its own between blank lines: `h1`.
    Spaced,
    /// The same, but any block ends it.
    Paragraph,
    Break,
    Rule,
    Preformatted,
    Quote,
    Table,
    Row,
    Cell,
    List {
        ordered: bool,
    },
    Item,
    Anchor,
    Image,
    /// Text that no longer holds: an old price.
    Struck,
    Head,
    /// Is never shown: `template`.
    Unseen,
}

impl Element {
    pub(super) fn of(name: &[u8]) -> Element {
        if name.len() > LONGEST {
            Element::Inline
        } else if name.iter().any(u8::is_ascii_uppercase) {
            Element::named(&name.to_ascii_lowercase())
        } else {
            Element::named(name)
        }
    }

    fn named(name: &[u8]) -> Element {
        match name {
            // The most frequent ones come first: names are compared one after the other.
            b"td" | b"th" => Element::Cell,
            b"tr" => Element::Row,
            b"p" => Element::Paragraph,
            b"a" => Element::Anchor,
            b"table" => Element::Table,
            b"br" => Element::Break,
            b"b" | b"i" | b"u" | b"em" | b"span" | b"font" | b"strong" => Element::Inline,
            b"div" => Element::Block,
            b"address" | b"article" | b"aside" | b"body" | b"caption" | b"center" | b"dd" | b"details" | b"dt"
            | b"figcaption" | b"footer" | b"form" | b"header" | b"legend" | b"main" | b"nav" | b"section"
            | b"summary" => Element::Block,
            b"dl" | b"fieldset" | b"figure" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => Element::Spaced,
            b"hr" => Element::Rule,
            b"pre" => Element::Preformatted,
            b"blockquote" => Element::Quote,
            b"ol" => Element::List { ordered: true },
            b"ul" | b"menu" => Element::List { ordered: false },
            b"li" => Element::Item,
            b"img" => Element::Image,
            b"s" | b"del" | b"strike" => Element::Struck,
            b"head" => Element::Head,
            b"style" | b"script" | b"title" | b"textarea" | b"iframe" | b"noembed" => Element::Raw,
            b"template" | b"svg" | b"xml" => Element::Unseen,
            b"area" | b"base" | b"col" | b"embed" | b"input" | b"link" | b"meta" | b"source" | b"wbr" => Element::Void,
            _ => Element::Inline,
        }
    }

    /// The attribute that a text shows of it.
    pub(super) fn shows(self) -> Option<&'static [u8]> {
        match self {
            Element::Anchor => Some(b"href"),
            Element::Image => Some(b"alt"),
            Element::List { ordered: true } => Some(b"start"),
            _ => None,
        }
    }

    /// Whether it ends the line that it stands in.
    pub(super) fn is_block(self) -> bool {
        use Element::{Anchor, Break, Head, Image, Inline, Raw, Struck, Unseen, Void};
        !matches!(self, Inline | Raw | Void | Break | Anchor | Image | Struck | Head | Unseen)
    }

    /// Whether there is no end of it to wait for.
    pub(super) fn is_void(self) -> bool {
        matches!(self, Element::Void | Element::Break | Element::Rule | Element::Image)
    }
}

/// How long the longest name is that means anything.
const LONGEST: usize = "blockquote".len();
