//! Cells that no spreadsheet takes for a formula, as exports write them and imports read them again.

use std::borrow::Cow;

/// The columns of vouchers that were exported. A file that has exactly these was written by this program.
pub(crate) const EXPORTED: &[&str] = &[
    "code",
    "pool",
    "state",
    "customer_id",
    "campaign_id",
    "message_id",
    "channel",
    "mode",
    "assigned_at",
    "expires_at",
    "redeemed_at",
    "metadata",
];

/// What begins a formula, or hides what does. Spreadsheets take the wide signs of Chinese and Japanese keyboards for the others.
const DANGEROUS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// The cell as text that no spreadsheet computes: one that begins like a formula gets an apostrophe in front. So does one that
/// has such apostrophes already, so that taking one away always gives the original.
pub(crate) fn guarded(cell: &str) -> Cow<'_, str> {
    if is_guarded_or_dangerous(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// The cell that was guarded.
pub(super) fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_guarded_or_dangerous(rest)).unwrap_or(cell)
}

fn is_guarded_or_dangerous(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(DANGEROUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\0=1", "'=1", "''-1", "＝1+1", "＠SUM(A1)"] {
            assert_eq!(guarded(cell), format!("'{cell}"));
            assert_eq!(unguarded(&guarded(cell)), cell);
        }
        for cell in ["", "'", "SPR-7Q2K", "a=b", "'quoted'", " =1", "é"] {
            assert_eq!((guarded(cell).as_ref(), unguarded(cell)), (cell, cell));
        }
    }
}
