//! Links, pictures, and text that no longer holds.

use super::layout::Layout;
use super::target::{Shown, Target};

/// A link that is open.
#[derive(Debug)]
pub(super) struct Link {
    target: Target,
    /// Its line, and where its text begins there.
    start: Option<(usize, usize)>,
}

/// Stands around what is struck through: an old price remains one.
pub(super) const STRUCK: &str = "~~";

/// Stand around an address within a line: no mail program takes them for a part of it.
pub(super) const BEFORE_ADDRESS: &str = " <";
pub(super) const BEHIND_ADDRESS: &str = ">";

impl Layout {
    pub(super) fn link(&mut self, href: Option<&str>) {
        self.end_link();
        self.link = href.and_then(Target::of).map(|target| Link { target, start: None });
    }

    /// A link without a text is none: a picture that says nothing leads nowhere.
    pub(super) fn end_link(&mut self) {
        let Some(Link { target, start: Some((line, start)) }) = self.link.take() else { return };
        let address = target.address();
        if line != self.lines {
            self.gap(1);
            self.word(address);
            return self.gap(1);
        }
        match target.beside(&self.line[start..]) {
            Shown::InText => {}
            Shown::Instead => self.line.replace_range(start.., address),
            Shown::Beside => self.add_address(start, address),
        }
    }

    fn add_address(&mut self, start: usize, address: &str) {
        self.line.push_str(BEFORE_ADDRESS);
        if start == 0 {
            self.address = self.line.len()..self.line.len() + address.len();
        }
        self.line.push_str(address);
        self.line.push_str(BEHIND_ADDRESS);
        self.behind_address = self.line.len();
    }

    /// Notes where the text of a link begins.
    pub(super) fn note_text(&mut self) {
        if let Some(link) = &mut self.link {
            link.start.get_or_insert((self.lines, self.line.len()));
        }
        if std::mem::take(&mut self.mark_due) {
            self.line.push_str(STRUCK);
        }
    }

    /// A picture is what is said of it.
    pub(super) fn image(&mut self, alt: &str) {
        if !alt.trim().is_empty() {
            self.space = Some(' ');
            self.text(alt);
            self.space = Some(' ');
        }
    }

    pub(super) fn strike(&mut self) {
        self.struck += 1;
        self.mark_due = self.struck == 1;
    }

    pub(super) fn end_strike(&mut self) {
        let ends = self.struck == 1 && !self.mark_due;
        self.struck = self.struck.saturating_sub(1);
        self.mark_due &= self.struck > 0;
        if ends && !self.line.is_empty() {
            self.line.push_str(STRUCK);
        }
    }
}
