//! Tags that other systems put a code into a message with.

use std::ops::Range;

use super::files::{Evaluated, File};
use super::{Finding, Rule};
use crate::render::scan::{Segment, Token};
use crate::voucher::PoolName;

/// One code for each message, or as the other system has it.
const MESSAGE: &str = "";
const CAMPAIGN: &str = "per='campaign'";
const CUSTOMER: &str = "per='customer'";

/// Tags of other systems, with what to write here.
pub(super) fn tags(file: &File) -> Vec<Finding> {
    let mut found: Vec<Finding> = file.evaluated().filter_map(|evaluated| in_tag(file, &evaluated)).collect();
    for segment in &file.segments {
        if let Segment::Text(text) = segment {
            found.extend(in_text(file, text.clone()));
        }
    }
    found
}

fn in_tag(file: &File, evaluated: &Evaluated<'_>) -> Option<Finding> {
    let (system, help) = match (evaluated.statement.is_some(), &evaluated.tokens[..]) {
        (_, [(_, Token::Name("promotion")), (_, Token::Mark('(')), rest @ ..]) => {
            ("Braze", claim(first_text(rest), MESSAGE))
        }
        (true, [(_, Token::Name("coupon_code")), rest @ ..]) => ("Klaviyo", claim(first_text(rest), CUSTOMER)),
        (true, [(_, Token::Name("abort_message")), ..]) => ("Braze", "write {{ abort('the reason') }}".to_owned()),
        (false, [(_, Token::Name("coupon")), (_, Token::Text(name)), ..]) => ("emailit", claim(Some(name), CAMPAIGN)),
        (false, [(_, Token::Mark('#')), (_, Token::Name("voucherPool")), ..]) => ("Spotler", claim(None, MESSAGE)),
        (false, [(_, Token::Name("assignCoupon")), rest @ ..]) => ("Marketing Cloud", claim(first_text(rest), MESSAGE)),
        _ => return None,
    };
    let (first, _) = evaluated.tokens.first()?;
    let start = file.text()[..*first].rfind('{').unwrap_or(*first);
    let start = if file.text()[..start].ends_with('{') { start - 1 } else { start };
    Some(finding(file, start, system, help))
}

fn in_text(file: &File, text: Range<usize>) -> Vec<Finding> {
    let source = &file.text()[..text.end];
    let mut found = Vec::new();
    for (mark, end) in [("%%=", "=%%"), ("%%[", "]%%")] {
        let mut at = text.start;
        while let Some(open) = source[at..].find(mark).map(|open| at + open) {
            at = source[open..].find(end).map_or(source.len(), |close| open + close + end.len());
            let script = &source[open..at];
            if let Some(call) = script.to_ascii_lowercase().find("claimrow") {
                let pool = script[call..].split(['"', '\'']).nth(1);
                found.push(finding(file, open, "Marketing Cloud", claim(pool, MESSAGE)));
            }
        }
    }
    for (open, _) in source[text.start..].match_indices("{promotion(") {
        found.push(finding(file, text.start + open, "Sailthru", claim(None, MESSAGE)));
    }
    found
}

fn finding(file: &File, offset: usize, system: &str, help: String) -> Finding {
    file.finding(Rule::ForeignTag, offset, format!("this is a tag of {system}, which gives no code here"), help)
}

fn first_text<'s>(tokens: &[(usize, Token<'s>)]) -> Option<&'s str> {
    tokens.iter().find_map(|(_, token)| if let Token::Text(text) = token { Some(*text) } else { None })
}

/// What to write instead. A name that no pool can have stands for none.
fn claim(name: Option<&str>, per: &str) -> String {
    let pool = name.filter(|name| PoolName::new(name).is_ok()).unwrap_or("POOL");
    format!("import its codes into a pool, and write {{{{ vouchers['{pool}'].assign_available({per}) }}}}")
}
