//! Everything that the program does with a store, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tearoff::Result;
use tearoff::store::RedisOptions;
use tearoff::voucher::*;

/// A store that is shown around in.
pub(crate) struct Tour {
    store: Arc<dyn Store>,
    ahead: Arc<AtomicI64>,
}

impl Tour {
    /// Opens the store, does everything once, and leaves nothing behind.
    pub(crate) async fn take(url: &str, options: RedisOptions, project: &str) -> Result<()> {
        let ahead = Arc::new(AtomicI64::new(0));
        let store = Arc::new(options.ahead(ahead.clone()).open(url, project).await?);
        let tour = Tour { store, ahead };
        tour.stock().await?;
        tour.send().await?;
        tour.grow().await?;
        tour.look().await?;
        tour.use_up().await?;
        tour.tell().await?;
        tour.take_back().await?;
        tour.delete().await
    }

    async fn stock(&self) -> Result<()> {
        let store = &self.store;
        store.create_pool(&pool("more"), &PoolSettings::default()).await?;
        store.create_pool(&pool("spring"), &PoolSettings::default()).await?;
        let settings = PoolSettings { overflow: Some(pool("more")), ..PoolSettings::default() };
        store.set_pool(&pool("spring"), &settings).await?;
        store.import(&pool("spring"), &vouchers("S", 0..4, Some(240))).await?;
        store.import(&pool("more"), &vouchers("M", 0..4, None)).await.map(drop)
    }

    /// Sends messages of every kind: with codes of the pool and of its overflow pool, for tests, under ids of all forms.
    async fn send(&self) -> Result<()> {
        self.settle(&[("spring/c1", "c1", Mode::Live), ("uuid-2", "c2", Mode::Live)]).await?;
        self.settle(&[("spring/c3", "c3", Mode::Test), ("spring/c4", "c4", Mode::Live)]).await?;
        self.settle(&[("uuid-5", "c5", Mode::Live), ("spring/c6", "c6", Mode::Test)]).await?;
        // A sender that died: what it held comes back when somebody else comes.
        self.store.reserve(&lease(), &[claim("spring/c7", "c7", Mode::Live)]).await?;
        self.ahead.fetch_add(100_000, Ordering::Relaxed);
        self.settle(&[("spring/c8", "c8", Mode::Live)]).await
    }

    async fn settle(&self, messages: &[(&str, &str, Mode)]) -> Result<()> {
        let lease = lease();
        let claims: Vec<Claim> = messages.iter().map(|(id, customer, mode)| claim(id, customer, *mode)).collect();
        let claimed = self.store.reserve(&lease, &claims).await?;
        let kept: Vec<Kept> = claims.iter().zip(claimed).map(|(claim, claimed)| kept(claim, claimed)).collect();
        let settled = self.store.settle(&lease, &kept).await?;
        assert!(settled.iter().all(|settled| *settled == Settled::Accepted), "{settled:?}");
        Ok(())
    }

    /// Imports so much that what is there spreads.
    async fn grow(&self) -> Result<()> {
        let imported = self.store.import(&pool("spring"), &vouchers("S", 0..2_000, None)).await?;
        assert_eq!(imported.iter().filter(|answer| **answer == Imported::Added).count(), 1_996);
        Ok(())
    }

    async fn look(&self) -> Result<()> {
        let (store, spring) = (&self.store, pool("spring"));
        let counts = store.pool(&spring).await?.unwrap().counts;
        assert_eq!((counts.total, counts.assigned, counts.reserved), (2_000, 4, 0));
        assert_eq!(store.pools().await?.len(), 2);
        store.catalogue().await?;
        store.counts(std::slice::from_ref(&spring)).await?;
        assert!(store.bindings(&[claim("spring/c1", "c1", Mode::Live)]).await?[0].is_some());
        let mine = store.customers(&["c1", "c2"].map(customer)).await?;
        assert_eq!(store.voucher(&mine[1][0].code).await?.unwrap().customer_id, Some(customer("c2")));
        assert_eq!(store.pools_of(&[mine[0][0].code.clone()]).await?, [Some(spring.clone())]);
        assert_eq!(store.vouchers(&spring, None, 10).await?.len(), 10);
        assert!(store.examine().await?.iter().all(|finding| finding.ok));
        Ok(())
    }

    /// Uses a voucher and takes that back, and ends vouchers.
    async fn use_up(&self) -> Result<()> {
        let store = &self.store;
        let given = store.customers(&[customer("c4"), customer("c5")]).await?;
        let codes = given.iter().map(|vouchers| vouchers[0].code.clone()).collect::<Vec<_>>();
        let event = EventId::new("order").unwrap();
        let redemption = Redemption {
            code: codes[0].clone(),
            event_id: event.clone(),
            customer_id: None,
            at: None,
            holder: Some(customer("c4")),
            passes: true,
            flagged: false,
        };
        assert_eq!(store.redeem(&[redemption]).await?, [RedemptionResult::Redeemed]);
        let known = store.redemptions(&[(codes[0].clone(), event.clone())]).await?;
        assert_eq!(known, [Some(RedemptionResult::Redeemed)]);
        assert_eq!(store.roll_back(&codes[0], &event).await?, RolledBack::RolledBack);
        let available = store.vouchers(&pool("spring"), None, 9).await?;
        let available = available.into_iter().find(|record| record.state == State::Available).unwrap().code;
        assert_eq!(store.void(&[codes[1].clone(), available]).await?, [Voided::Voided; 2]);
        Ok(())
    }

    /// Tells what happened, proves that it adds up, and forgets.
    async fn tell(&self) -> Result<()> {
        let (store, spring) = (&self.store, pool("spring"));
        let entries = store.journal(&spring, None, 1_000).await?;
        let code = entries.last().unwrap().codes[0].clone();
        assert_eq!(store.history(&code).await?.last().unwrap().change, Change::Voided);
        assert!(store.reconcile(&spring).await?.iter().all(|finding| finding.ok));
        assert_eq!(store.forget(&customer("c5")).await?.vouchers, 1);
        assert_eq!(store.journal_size(&spring).await?.entries, entries.len() as u64);
        assert!(store.trim_journal(&spring, Timestamp::now() + SignedDuration::from_hours(1)).await? > 0);
        Ok(())
    }

    async fn take_back(&self) -> Result<()> {
        for id in ["spring/c1", "uuid-2"] {
            assert_eq!(self.store.release_message(&MessageId::new(id).unwrap()).await?.released, 1);
        }
        assert_eq!(self.store.reclaim_tests().await?, 2);
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        for name in ["spring", "more"] {
            self.store.delete_pool(&pool(name), true).await?;
        }
        assert_eq!(self.store.pools().await?.len(), 0);
        Ok(())
    }
}

fn lease() -> Lease {
    Lease::new(Duration::from_secs(60))
}

pub(crate) fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

fn customer(id: &str) -> CustomerId {
    CustomerId::new(id).unwrap()
}

fn vouchers(start: &str, numbers: std::ops::Range<usize>, hours: Option<i64>) -> Vec<NewVoucher> {
    let expires_at = hours.map(|hours| Timestamp::now() + SignedDuration::from_hours(hours));
    let metadata: Metadata = serde_json::from_str(r#"{"discount": "20 %"}"#).unwrap();
    let code = |number| Code::new(format!("{start}-{number:05}")).unwrap();
    numbers.map(|number| NewVoucher { code: code(number), expires_at, metadata: metadata.clone() }).collect()
}

fn claim(id: &str, to: &str, mode: Mode) -> Claim {
    let message = MessageIdentity {
        message_id: MessageId::new(id).unwrap(),
        customer_id: customer(to),
        campaign_id: Some(CampaignId::new("spring").unwrap()),
        channel: Channel::Email,
        mode,
    };
    Claim { pool: pool("spring"), width: Width::Message, message: Arc::new(message) }
}

/// A message that shows what its claim got.
fn kept(claim: &Claim, claimed: Claimed) -> Kept {
    let Claimed::Bound(binding) = claimed else { panic!("a voucher was expected, not {claimed:?}") };
    let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code };
    Kept { message: claim.message.clone(), shown: vec![shown] }
}
