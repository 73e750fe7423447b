//! The text of an e-mail that has none of its own.
//!
//! One pass over the page: [`tokens`] tells tags and text apart, [`element`] says what a tag means, [`hidden`] what is not shown,
//! and [`layout`] makes lines of the rest.

mod element;
mod hidden;
mod layout;
mod links;
#[cfg(test)]
mod mails;
mod structure;
mod target;
#[cfg(test)]
mod tests;
mod tokens;
mod wrap;

use element::Element;
use hidden::{Hidden, Standing};
use layout::Layout;
use tokens::{Tag, Token, Tokens};

/// The text of an HTML page, as its reader sees it: paragraphs, lists and tables as lines, links with their addresses.
pub(super) fn from_html(html: &str) -> String {
    let mut layout = Layout::new(html.len() / 4);
    let mut hidden: Option<Hidden<'_>> = None;
    for token in Tokens::new(html) {
        if let Some(element) = &mut hidden {
            let standing = element.standing(&token);
            if standing != Standing::Inside {
                hidden = None;
            }
            if standing != Standing::Behind {
                continue;
            }
        }
        match token {
            Token::Text(text) => layout.text(text),
            Token::Open(tag) => hidden = open(&mut layout, &tag),
            Token::Close(_, element) => close(&mut layout, element),
        }
    }
    layout.finish()
}

/// Begins an element, or gives it back as one that is not shown.
fn open<'a>(layout: &mut Layout, tag: &Tag<'a>) -> Option<Hidden<'a>> {
    let element = tag.element;
    if matches!(element, Element::Head | Element::Unseen) || tag.hidden {
        return (!element.is_void()).then(|| Hidden::new(tag.name, element));
    }
    match element {
        Element::Inline | Element::Raw | Element::Void | Element::Head | Element::Unseen => {}
        Element::Block => layout.gap(1),
        Element::Spaced | Element::Paragraph => layout.gap(2),
        Element::Break => layout.line_break(),
        Element::Rule => layout.rule(),
        Element::Preformatted => layout.begin_preformatted(),
        Element::Quote => layout.quote(),
        Element::Table => layout.table(),
        Element::Row => layout.row(),
        Element::Cell => layout.cell(),
        Element::List { ordered } => {
            let start = tag.shown.and_then(|start| start.trim().parse().ok()).unwrap_or(1);
            layout.list(ordered.then_some(start));
        }
        Element::Item => layout.item(),
        Element::Anchor => layout.link(tag.shown),
        Element::Image => layout.image(tag.shown.unwrap_or_default()),
        Element::Struck => layout.strike(),
    }
    None
}

fn close(layout: &mut Layout, element: Element) {
    match element {
        Element::Inline
        | Element::Raw
        | Element::Void
        | Element::Head
        | Element::Unseen
        | Element::Image
        | Element::Rule => {}
        Element::Block => layout.gap(1),
        Element::Spaced | Element::Paragraph => layout.gap(2),
        Element::Break => layout.line_break(),
        Element::Preformatted => layout.end_preformatted(),
        Element::Quote => layout.end_quote(),
        Element::Table => layout.end_table(),
        Element::Row => layout.row(),
        Element::Cell => layout.cell(),
        Element::List { .. } => layout.end_list(),
        Element::Item => layout.end_item(),
        Element::Anchor => layout.end_link(),
        Element::Struck => layout.end_strike(),
    }
}
