//! The codes that rendered messages show, against the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::discrepancy::{Discrepancy, Kind};
use crate::campaign::written::{MESSAGES, WrittenMessage, WrittenVoucher};
use crate::error::Result;
use crate::voucher::{
    Binding, CampaignId, Claim, Code, CustomerId, Lookup, MessageIdentity, PoolName, Source, State, VoucherRecord,
    Width,
};

/// How many look-ups go to the store at once.
pub(super) const BATCH: usize = 500;

/// A code in a message.
#[derive(Clone, Copy)]
struct Shown<'m> {
    line: u32,
    message: &'m WrittenMessage,
    voucher: &'m WrittenVoucher,
}

/// Codes of one message and pool, of which only the keys of their claims tell whose they are.
type ByClaim<'m> = BTreeMap<(u32, &'m PoolName), Vec<Shown<'m>>>;

/// Holds a batch of messages against the store.
pub(super) async fn check(
    lookup: &dyn Lookup,
    campaign_id: &CampaignId,
    messages: &[(u32, WrittenMessage)],
    found: &mut Vec<Discrepancy>,
) -> Result<()> {
    let held = held(lookup, messages).await?;
    let (mut elsewhere, mut by_claim) = (Vec::new(), ByClaim::new());
    for shown in messages.iter().flat_map(codes) {
        let record = held.get(&(&shown.message.customer_id, shown.voucher.code.clone()));
        if shown.voucher.source == Source::Fallback {
            by_claim.entry((shown.line, &shown.voucher.pool)).or_default().push(shown);
        } else if let Some(record) = record {
            match shown.judge(record) {
                Some(kind) => found.push(shown.named(kind)),
                None if shown.took(record) || record.state == State::Expired => {}
                None => by_claim.entry((shown.line, &shown.voucher.pool)).or_default().push(shown),
            }
        } else {
            elsewhere.push(shown);
        }
    }
    check_elsewhere(lookup, &elsewhere, found).await?;
    check_claims(lookup, campaign_id, &by_claim, found).await
}

fn codes((line, message): &(u32, WrittenMessage)) -> impl Iterator<Item = Shown<'_>> {
    message.vouchers.iter().map(|voucher| Shown { line: *line, message, voucher })
}

/// What the customers of these messages hold.
async fn held<'m>(
    lookup: &dyn Lookup,
    messages: &'m [(u32, WrittenMessage)],
) -> Result<HashMap<(&'m CustomerId, Code), VoucherRecord>> {
    let showing = messages.iter().filter(|(_, message)| !message.vouchers.is_empty());
    let customers: BTreeSet<&CustomerId> = showing.map(|(_, message)| &message.customer_id).collect();
    let asked: Vec<CustomerId> = customers.iter().map(|&customer| customer.clone()).collect();
    let mut held = HashMap::new();
    for (customer, records) in customers.into_iter().zip(lookup.customers(&asked).await?) {
        held.extend(records.into_iter().map(|record| ((customer, record.code.clone()), record)));
    }
    Ok(held)
}

/// Codes that their customers do not hold: unknown, or somebody else's by now.
async fn check_elsewhere(lookup: &dyn Lookup, codes: &[Shown<'_>], found: &mut Vec<Discrepancy>) -> Result<()> {
    let asked: Vec<Code> = codes.iter().map(|shown| shown.voucher.code.clone()).collect();
    let pools = lookup.pools_of(&asked).await?;
    for (shown, pool) in codes.iter().zip(pools) {
        let record = if pool.is_some() { lookup.voucher(&shown.voucher.code).await? } else { None };
        let kind = record.map_or(Some(Kind::UnknownCode), |record| shown.judge(&record));
        found.extend(kind.map(|kind| shown.named(kind)));
    }
    Ok(())
}

/// Codes that are a message's by a wider key, and fallback codes, which are no vouchers.
async fn check_claims(
    lookup: &dyn Lookup,
    campaign_id: &CampaignId,
    by_claim: &ByClaim<'_>,
    found: &mut Vec<Discrepancy>,
) -> Result<()> {
    let mut asking = by_claim.iter().peekable();
    while asking.peek().is_some() {
        let (mut claims, mut groups) = (Vec::new(), Vec::new());
        while claims.len() < BATCH {
            let Some(((_, pool), codes)) = asking.next() else { break };
            let before = claims.len();
            claims.extend(possible_claims(campaign_id, codes[0].message, pool));
            groups.push((codes, before..claims.len()));
        }
        let bindings = lookup.bindings(&claims).await?;
        for (codes, range) in groups {
            let unbound = codes.iter().filter(|shown| !bindings[range.clone()].iter().flatten().any(|b| shown.is(b)));
            found.extend(unbound.map(|shown| shown.named(shown.unbound())));
        }
    }
    Ok(())
}

/// Every claim of the pool that the message can have made.
fn possible_claims<'a>(
    campaign_id: &CampaignId,
    message: &'a WrittenMessage,
    pool: &'a PoolName,
) -> impl Iterator<Item = Claim> + 'a {
    let identity = Arc::new(MessageIdentity {
        message_id: message.message_id.clone(),
        customer_id: message.customer_id.clone(),
        campaign_id: Some(campaign_id.clone()),
        channel: message.channel,
        mode: message.mode,
    });
    let occurrences = message.vouchers.iter().filter(|voucher| voucher.pool == *pool);
    let widths = [Width::Message, Width::Campaign, Width::Customer].into_iter();
    let widths = widths.chain((1..).zip(occurrences).map(|(number, _)| Width::Occurrence(number)));
    widths.map(move |width| Claim { pool: pool.clone(), width, message: Arc::clone(&identity) })
}

impl Shown<'_> {
    /// What is wrong with a code of which the store says this.
    fn judge(&self, record: &VoucherRecord) -> Option<Kind> {
        Some(match (record.state, &record.customer_id) {
            (State::Void, _) => Kind::Void,
            (State::Available, _) | (_, None) => Kind::GivenBack,
            (_, Some(customer)) if *customer != self.message.customer_id => Kind::OtherCustomer,
            (State::Reserved, _) => Kind::NotSettled,
            _ if record.pool != self.voucher.from => Kind::WrongPool,
            _ if record.mode != Some(self.message.mode) => Kind::WrongMode,
            _ => return None,
        })
    }

    /// Whether this message took the voucher.
    fn took(&self, record: &VoucherRecord) -> bool {
        record.message_id.as_ref() == Some(&self.message.message_id)
    }

    /// Whether this is what is bound.
    fn is(&self, binding: &Binding) -> bool {
        let is_fallback = |source| source == Source::Fallback;
        binding.voucher.code == self.voucher.code && is_fallback(binding.source) == is_fallback(self.voucher.source)
    }

    fn unbound(&self) -> Kind {
        if self.voucher.source == Source::Fallback { Kind::NotBound } else { Kind::OtherMessage }
    }

    fn named(&self, kind: Kind) -> Discrepancy {
        let named = Discrepancy::new(kind).at(MESSAGES, self.line);
        named.of_message(Some(&self.message.message_id)).of_pool(&self.voucher.from)
    }
}
