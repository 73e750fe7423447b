//! What the store holds for messages of the campaign, against the files.

use super::discrepancy::{Discrepancy, Kind};
use super::ledger::Ledger;
use crate::campaign::written::{EVENTS, MESSAGES, SUPPRESSED};
use crate::error::Result;
use crate::intake::hash;
use crate::voucher::{Lookup, Mode, PoolStatus, State, VoucherRecord};

/// How many vouchers are read at once.
const PAGE: usize = 1_000;

/// Reads every pool of which somebody holds something; says how many vouchers that were.
pub(super) async fn check(lookup: &dyn Lookup, ledger: &Ledger, found: &mut Vec<Discrepancy>) -> Result<u64> {
    let prefix = format!("{}/", ledger.campaign_id());
    let mut read = 0;
    for PoolStatus { name, counts, .. } in lookup.pools().await? {
        if counts.reserved + counts.assigned + counts.redeemed == 0 {
            continue;
        }
        let mut after = None;
        loop {
            let page = lookup.vouchers(&name, after.as_ref(), PAGE).await?;
            read += page.len() as u64;
            let own = page.iter().filter(|record| is_held_by(record, &prefix));
            found.extend(own.filter(|record| !ledger.shows(hash(&record.code))).map(|record| named(record, ledger)));
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.code.clone()),
                _ => break,
            }
        }
    }
    Ok(read)
}

/// Whether a live message of the campaign holds the voucher. What expired or was voided is history.
fn is_held_by(record: &VoucherRecord, prefix: &str) -> bool {
    matches!(record.state, State::Reserved | State::Assigned | State::Redeemed)
        && record.mode == Some(Mode::Live)
        && record.message_id.as_ref().is_some_and(|id| id.as_str().starts_with(prefix))
}

fn named(record: &VoucherRecord, ledger: &Ledger) -> Discrepancy {
    let recipient = record.customer_id.as_ref().and_then(|customer| ledger.recipient(customer));
    let (kind, place) = match recipient {
        Some(recipient) if recipient.rendered > 0 => (Kind::NotShown, Some((MESSAGES, recipient.rendered))),
        Some(recipient) if recipient.suppressed > 0 => (Kind::KeptByFailed, Some((SUPPRESSED, recipient.suppressed))),
        Some(recipient) if recipient.is_failed() => (Kind::KeptByFailed, Some((EVENTS, recipient.last_event))),
        Some(recipient) => (Kind::NotShown, Some((EVENTS, recipient.last_event))),
        None => (Kind::NotShown, None),
    };
    let named = Discrepancy::new(kind).of_message(record.message_id.as_ref()).of_pool(&record.pool);
    let named = if let Some((file, line)) = place { named.at(file, line) } else { named };
    match (record.state, kind) {
        (State::Reserved, Kind::NotShown) => {
            named.because("the voucher is reserved for the message, but no file shows it")
        }
        (State::Reserved, _) => named.because("the message is not sent, but has a voucher reserved"),
        _ => named,
    }
}
