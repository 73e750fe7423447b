//! Tables, lists and quotations.

use super::layout::Layout;
use super::wrap::WIDTH;

/// Deeper levels are not indented further, so that a line stays a line.
const INDENTATION: usize = 24;

impl Layout {
    pub(super) fn table(&mut self) {
        self.gap(2);
        self.flush();
        self.rows.push(self.lines);
    }

    pub(super) fn end_table(&mut self) {
        self.gap(2);
        self.flush();
        self.rows.pop();
    }

    /// Begins or ends a row. One that is more than a line is a paragraph.
    pub(super) fn row(&mut self) {
        let start = self.rows.last().copied().unwrap_or(self.lines);
        let long = self.lines != start || self.line.len() > WIDTH;
        self.gap(if long { 2 } else { 1 });
        self.flush();
        if let Some(start) = self.rows.last_mut() {
            *start = self.lines;
        }
    }

    /// Begins or ends a cell. Cells that are one line each share it, if it is long enough.
    pub(super) fn cell(&mut self) {
        if self.line.is_empty() {
            return;
        }
        if self.rows.last() == Some(&self.lines) {
            if !self.cell_is_empty() {
                self.cells.push(self.line.len());
            }
            (self.gap, self.space) = (0, None);
        } else {
            self.gap(2);
        }
    }

    pub(super) fn list(&mut self, first: Option<u32>) {
        self.gap(if self.lists.is_empty() { 2 } else { 1 });
        self.flush();
        self.lists.push((first, self.indentation.len()));
    }

    pub(super) fn end_list(&mut self) {
        self.end_item();
        self.lists.pop();
        self.gap(if self.lists.is_empty() { 2 } else { 1 });
    }

    pub(super) fn item(&mut self) {
        if self.lists.is_empty() {
            self.list(None);
        }
        self.end_item();
        self.marker = match self.lists.last_mut() {
            Some((Some(number), _)) => {
                *number = number.saturating_add(1);
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        self.indent(&" ".repeat(self.marker.len()));
    }

    pub(super) fn end_item(&mut self) {
        // An item without a text has no line.
        if self.line.is_empty() {
            self.marker.clear();
        }
        self.gap(1);
        self.flush();
        if let Some((_, around)) = self.lists.last() {
            self.indentation.truncate(*around);
        }
    }

    pub(super) fn quote(&mut self) {
        self.gap(2);
        self.flush();
        self.quotes.push(self.indentation.len());
        self.indent("> ");
    }

    pub(super) fn end_quote(&mut self) {
        self.gap(2);
        self.flush();
        if let Some(around) = self.quotes.pop() {
            self.indentation.truncate(around);
        }
    }

    fn indent(&mut self, by: &str) {
        if self.indentation.len() < INDENTATION {
            self.indentation.push_str(by);
        }
    }

    pub(super) fn begin_preformatted(&mut self) {
        self.gap(2);
        self.flush();
        self.preformatted = true;
    }

    pub(super) fn end_preformatted(&mut self) {
        self.flush();
        self.preformatted = false;
        // Empty lines at its end are none.
        self.gap = 2;
    }
}
