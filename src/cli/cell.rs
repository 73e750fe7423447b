//! Cells that no spreadsheet takes for a formula.

use std::borrow::Cow;

/// What begins a formula, or hides what does.
const DANGEROUS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// The cell as text that no spreadsheet computes: one that begins like a formula gets an apostrophe in front. So does one that
/// has such apostrophes already, so that taking one away always gives the original.
pub(super) fn safe(cell: &str) -> Cow<'_, str> {
    if cell.trim_start_matches('\'').starts_with(DANGEROUS) { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "'=1", "''-1"] {
            assert_eq!(safe(cell), format!("'{cell}"));
        }
        for cell in ["", "SPR-7Q2K", "a=b", "'quoted'", " =1", "é"] {
            assert_eq!(safe(cell), cell);
        }
    }
}
