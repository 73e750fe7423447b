//! Holds what customers saw against what was imported and what the store says, with all faults healed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tearoff::voucher::{Code, MessageId, PoolCounts, PoolName, State, Store, VoucherRecord};

use crate::load::{LEASE, Load, keeps};
use crate::sink::{Delivery, Sink};

/// Everything that is not as it must be after a load whose messages all have an outcome.
pub(crate) async fn findings(store: &dyn Store, load: &Load, sink: &Sink) -> Vec<String> {
    let mut findings = Findings::default();
    let (deliveries, failures) = (sink.deliveries(), sink.failures());
    let delivered = findings.unique_and_stable(&deliveries);
    findings.one_outcome_each(load, sink, &delivered, &failures);
    for (pool, imported) in load.stock() {
        let listing = listing(store, &pool).await;
        findings.conserved(&pool, &imported, &listing);
        findings.known(&pool, &listing, &delivered, &failures);
        findings.counted(&pool, &listing, store.pool(&pool).await.unwrap().map(|status| status.counts));
    }
    findings.0
}

/// Every voucher of a pool, once nothing is reserved any more.
pub(crate) async fn listing(store: &dyn Store, pool: &PoolName) -> Vec<VoucherRecord> {
    let wait = async {
        while store.pool(pool).await.unwrap().is_some_and(|status| status.counts.reserved > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LEASE + Duration::from_secs(10), wait).await.expect("what dead senders held comes back");
    let mut listing: Vec<VoucherRecord> = Vec::new();
    loop {
        let after = listing.last().map(|record| record.code.clone());
        let page = store.vouchers(pool, after.as_ref(), 1_000).await.unwrap();
        if page.is_empty() {
            return listing;
        }
        listing.extend(page);
    }
}

type Delivered<'a> = BTreeMap<&'a MessageId, &'a Delivery>;

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn expect(&mut self, holds: bool, finding: impl FnOnce() -> String) {
        if !holds {
            self.0.push(finding());
        }
    }

    /// No code with two messages, and a message has the same codes each time that it goes out.
    fn unique_and_stable<'a>(&mut self, deliveries: &'a [Delivery]) -> Delivered<'a> {
        let mut delivered = Delivered::new();
        let mut owners: BTreeMap<&Code, &MessageId> = BTreeMap::new();
        for delivery in deliveries {
            let first = delivered.entry(&delivery.message).or_insert(delivery);
            self.expect(first == &delivery, || format!("another time, other codes: {first:?}, {delivery:?}"));
            for (_, code) in &delivery.codes {
                let owner = owners.entry(code).or_insert(&delivery.message);
                let (owner, message) = (owner.as_str(), delivery.message.as_str());
                self.expect(owner == message, || format!("'{}' went to {owner} and {message}", code.as_str()));
            }
        }
        delivered
    }

    /// Every message has one outcome; each that failed has one event; nobody went without while there were codes.
    fn one_outcome_each(&mut self, load: &Load, sink: &Sink, delivered: &Delivered<'_>, failures: &[MessageId]) {
        let failed: BTreeSet<_> = failures.iter().collect();
        self.expect(failed.len() == failures.len(), || "a message has two events 'enqueue_failed'".to_owned());
        let ended = sink.ended();
        let sum = delivered.len() + failed.len() + sink.suppressed().len();
        self.expect(sum == ended, || format!("{} messages have two outcomes", sum - ended));
        let wanted = load.wanted();
        let expected = (wanted.min(load.codes), wanted.saturating_sub(load.codes), load.messages);
        let failed = failed.into_iter().filter(|message| keeps(message)).count();
        let found = (delivered.len(), failed, ended);
        self.expect(found == expected, || format!("(delivered, failed, all) is {found:?} instead of {expected:?}"));
    }

    /// Every imported code is still there, once, and no other.
    fn conserved(&mut self, pool: &PoolName, imported: &[Code], listing: &[VoucherRecord]) {
        let (imported, listed): (BTreeSet<_>, BTreeSet<_>) =
            (imported.iter().collect(), listing.iter().map(|record| &record.code).collect());
        self.expect(listed.len() == listing.len(), || format!("'{pool}' lists a code twice"));
        self.expect(imported == listed, || {
            let (lost, strange) = (imported.difference(&listed).count(), listed.difference(&imported).count());
            format!("'{pool}' lost {lost} codes and has {strange} that nobody imported")
        });
    }

    /// What customers saw is theirs in the store, and what the store assigned they saw. What one pool assigned to a message
    /// that failed for another stays with that message.
    fn known(&mut self, pool: &PoolName, listing: &[VoucherRecord], delivered: &Delivered<'_>, failures: &[MessageId]) {
        let records: BTreeMap<_, _> = listing.iter().map(|record| (&record.code, record)).collect();
        for delivery in delivered.values() {
            for (_, code) in delivery.codes.iter().filter(|(named, _)| named == pool) {
                let record = records.get(code);
                let is_theirs = record.is_some_and(|record| {
                    record.state == State::Assigned
                        && record.customer_id.as_ref() == Some(&delivery.customer)
                        && record.message_id.as_ref() == Some(&delivery.message)
                });
                self.expect(is_theirs, || format!("{delivery:?} is not what the store says: {record:?}"));
            }
        }
        let shown: BTreeSet<&Code> = delivered.values().flat_map(|it| &it.codes).map(|(_, code)| code).collect();
        let failed: BTreeSet<_> = failures.iter().collect();
        let unseen = listing.iter().filter(|record| record.state != State::Available && !shown.contains(&record.code));
        for record in unseen {
            let stays = record.message_id.as_ref().is_some_and(|message| failed.contains(message));
            self.expect(stays, || format!("a code is lost: nobody saw {record:?}"));
        }
    }

    /// The pool's numbers are the sizes of its sets.
    fn counted(&mut self, pool: &PoolName, listing: &[VoucherRecord], counts: Option<PoolCounts>) {
        let number = |state| listing.iter().filter(|record| record.state == state).count() as u64;
        let counted = PoolCounts {
            total: listing.len() as u64,
            available: number(State::Available),
            reserved: number(State::Reserved),
            assigned: number(State::Assigned),
            redeemed: number(State::Redeemed),
            expired: number(State::Expired),
            void: number(State::Void),
        };
        self.expect(counts == Some(counted), || format!("'{pool}' says {counts:?} and has {counted:?}"));
    }
}
