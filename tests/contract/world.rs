//! The words in which the promises are written.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tearoff::voucher::*;

use crate::fixture::Fixture;

/// A store with its time, and short words for what is done with it.
pub(crate) struct World<F> {
    pub(crate) fixture: F,
    pub(crate) store: Arc<dyn Store>,
}

impl<F: Fixture> World<F> {
    /// An empty store.
    pub(crate) async fn new() -> World<F> {
        let fixture = F::new().await;
        World { store: fixture.store(), fixture }
    }

    /// A store with the pool `spring` of `count` codes.
    pub(crate) async fn with_codes(count: usize) -> World<F> {
        let world = World::new().await;
        world.pool("spring", PoolSettings::default()).await;
        world.import("spring", &numbered("S", count)).await;
        world
    }

    pub(crate) async fn pool(&self, name: &str, settings: PoolSettings) {
        self.store.create_pool(&pool(name), &settings).await.unwrap();
    }

    pub(crate) async fn set(&self, name: &str, settings: PoolSettings) {
        self.store.set_pool(&pool(name), &settings).await.unwrap();
    }

    pub(crate) async fn import(&self, name: &str, codes: &[String]) -> Vec<Imported> {
        let vouchers: Vec<_> = codes.iter().map(|code| voucher(code, None)).collect();
        self.store.import(&pool(name), &vouchers).await.unwrap()
    }

    pub(crate) async fn import_until(&self, name: &str, code: &str, expires_at: Timestamp) {
        self.store.import(&pool(name), &[voucher(code, Some(expires_at))]).await.unwrap();
    }

    pub(crate) fn lease(&self) -> Lease {
        Lease::new(F::LEASE)
    }

    pub(crate) async fn reserve(&self, lease: &Lease, claim: &Claim) -> Claimed {
        self.store.reserve(lease, std::slice::from_ref(claim)).await.unwrap().remove(0)
    }

    /// Reserves and expects a voucher.
    pub(crate) async fn take(&self, lease: &Lease, claim: &Claim) -> Binding {
        bound(self.reserve(lease, claim).await)
    }

    pub(crate) async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Vec<Settled> {
        self.store.settle(lease, kept).await.unwrap()
    }

    /// Sends a message with one claim: reserves and settles under a lease of its own.
    pub(crate) async fn send(&self, claim: &Claim) -> Binding {
        let lease = self.lease();
        let binding = self.take(&lease, claim).await;
        let settled = self.settle(&lease, &[kept(&[(claim, &binding)])]).await;
        assert_eq!(settled, [Settled::Accepted]);
        binding
    }

    pub(crate) async fn release(&self, lease: &Lease) {
        assert_eq!(self.settle(lease, &[]).await, []);
    }

    /// Lets every lease run out.
    pub(crate) async fn outlast_leases(&self) {
        self.fixture.pass(F::LEASE + Duration::from_millis(1)).await;
    }

    pub(crate) async fn counts(&self, name: &str) -> PoolCounts {
        self.store.pool(&pool(name)).await.unwrap().unwrap().counts
    }

    pub(crate) async fn available(&self, name: &str) -> u64 {
        self.counts(name).await.available
    }

    pub(crate) async fn record(&self, code: &Code) -> VoucherRecord {
        self.store.voucher(code).await.unwrap().unwrap()
    }

    /// Every voucher of a pool, page by page.
    pub(crate) async fn listing(&self, name: &str) -> Vec<VoucherRecord> {
        let mut listing: Vec<VoucherRecord> = Vec::new();
        loop {
            let after = listing.last().map(|record| record.code.clone());
            let page = self.store.vouchers(&pool(name), after.as_ref(), 100).await.unwrap();
            if page.is_empty() {
                return listing;
            }
            listing.extend(page);
        }
    }

    /// Uses a voucher for the one who holds it.
    pub(crate) async fn redeem(&self, code: &Code, event: &str) -> RedemptionResult {
        let holder = self.store.voucher(code).await.unwrap().and_then(|record| record.customer_id);
        self.store.redeem(&[Redemption { holder, ..redemption(code, event) }]).await.unwrap().remove(0)
    }

    /// Whether all numbers that a pool keeps are right.
    pub(crate) async fn is_sound(&self, name: &str) -> bool {
        let wrong = |findings: Vec<Finding>| findings.into_iter().filter(|finding| !finding.ok).collect::<Vec<_>>();
        let found = [self.store.reconcile(&pool(name)).await.unwrap(), self.store.examine().await.unwrap()].map(wrong);
        assert_eq!(found, [[], []]);
        true
    }

    /// The store's time so many seconds from now.
    pub(crate) fn in_seconds(&self, seconds: i64) -> Timestamp {
        self.fixture.now() + SignedDuration::from_secs(seconds)
    }
}

pub(crate) fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

pub(crate) fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

pub(crate) fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n:05}")).collect()
}

pub(crate) fn voucher(code_text: &str, expires_at: Option<Timestamp>) -> NewVoucher {
    NewVoucher { code: code(code_text), expires_at, metadata: Metadata::new() }
}

/// A live e-mail of the campaign `c`.
pub(crate) fn message(id: &str, customer: &str) -> Arc<MessageIdentity> {
    Arc::new(identity(id, customer))
}

pub(crate) fn test_message(id: &str, customer: &str) -> Arc<MessageIdentity> {
    Arc::new(MessageIdentity { mode: Mode::Test, ..identity(id, customer) })
}

pub(crate) fn message_of(campaign: &str, id: &str, customer: &str) -> Arc<MessageIdentity> {
    Arc::new(MessageIdentity { campaign_id: Some(CampaignId::new(campaign).unwrap()), ..identity(id, customer) })
}

pub(crate) fn identity(id: &str, customer: &str) -> MessageIdentity {
    MessageIdentity {
        message_id: MessageId::new(id).unwrap(),
        customer_id: CustomerId::new(customer).unwrap(),
        campaign_id: Some(CampaignId::new("c").unwrap()),
        channel: Channel::Email,
        mode: Mode::Live,
    }
}

pub(crate) fn claim(pool_name: &str, message: &Arc<MessageIdentity>, width: Width) -> Claim {
    Claim { pool: pool(pool_name), width, message: message.clone() }
}

/// A claim on `spring` of a message of its own, for a customer of its own.
pub(crate) fn one(n: usize) -> Claim {
    claim("spring", &message(&format!("m{n}"), &format!("c{n}")), Width::Message)
}

/// A wish of `event` to use a voucher that nobody holds.
pub(crate) fn redemption(code: &Code, event: &str) -> Redemption {
    Redemption {
        code: code.clone(),
        event_id: EventId::new(event).unwrap(),
        customer_id: None,
        at: None,
        holder: None,
        passes: true,
        flagged: false,
    }
}

/// A message that shows what its claims got.
pub(crate) fn kept(shown: &[(&Claim, &Binding)]) -> Kept {
    let shown_codes = shown.iter().map(|(claim, binding)| show(claim, &binding.voucher.code)).collect();
    Kept { message: shown[0].0.message.clone(), shown: shown_codes }
}

pub(crate) fn show(claim: &Claim, code: &Code) -> Shown {
    Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: code.clone() }
}

#[track_caller]
pub(crate) fn bound(claimed: Claimed) -> Binding {
    match claimed {
        Claimed::Bound(binding) => binding,
        other => panic!("a voucher was expected, not {other:?}"),
    }
}

pub(crate) fn same_voucher(one: &Binding, other: &Binding) -> bool {
    (&one.voucher, one.assigned_at, &one.from) == (&other.voucher, other.assigned_at, &other.from)
}

/// Expects a voucher for every claim.
pub(crate) trait MapBound {
    fn map_bound<const N: usize>(self) -> [Binding; N];
}

impl MapBound for Vec<Claimed> {
    #[track_caller]
    fn map_bound<const N: usize>(self) -> [Binding; N] {
        let bindings: Vec<_> = self.into_iter().map(bound).collect();
        bindings.try_into().unwrap()
    }
}
