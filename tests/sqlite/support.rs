//! A store file with a pool, and short words for using it.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tearoff::store::SqliteStore;
use tearoff::voucher::*;
use tempfile::TempDir;

use crate::canary::listen;

/// A folder with the path of a store file.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        listen();
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path(), "default").unwrap()
    }

    /// Opens the file as any SQL tool does.
    pub(crate) fn sql(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// A closed store file with the pool `spring` of so many codes.
    pub(crate) async fn with_codes(count: usize) -> Place {
        let place = Place::new();
        fill(&place.open(), count).await;
        place
    }
}

pub(crate) async fn fill(store: &SqliteStore, count: usize) {
    store.create_pool(&pool(), &PoolSettings::default()).await.unwrap();
    let vouchers: Vec<_> = (0..count).map(|n| new_voucher(&format!("SECRET-{n:05}"))).collect();
    store.import(&pool(), &vouchers).await.unwrap();
}

pub(crate) fn new_voucher(code: &str) -> NewVoucher {
    NewVoucher { code: Code::new(code).unwrap(), expires_at: None, metadata: Metadata::new() }
}

pub(crate) fn pool() -> PoolName {
    PoolName::new("spring").unwrap()
}

pub(crate) fn claim(n: usize) -> Claim {
    let message = MessageIdentity {
        message_id: MessageId::new(format!("spring-2026/ada-{n}@example.com")).unwrap(),
        customer_id: CustomerId::new(format!("ada-{n}@example.com")).unwrap(),
        campaign_id: Some(CampaignId::new("spring-2026").unwrap()),
        channel: Channel::Email,
        mode: Mode::Live,
    };
    Claim { pool: pool(), width: Width::Message, message: Arc::new(message) }
}

pub(crate) fn kept(claim: &Claim, code: &Code) -> Kept {
    let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: code.clone() };
    Kept { message: claim.message.clone(), shown: vec![shown] }
}

/// Reserves and settles a message. Says its code.
pub(crate) async fn send(store: &SqliteStore, claim: &Claim) -> Code {
    let lease = Lease::new(Lease::TIME);
    let answer = store.reserve(&lease, std::slice::from_ref(claim)).await.unwrap().remove(0);
    let Claimed::Bound(binding) = answer else { panic!("{answer:?}") };
    let settled = store.settle(&lease, &[kept(claim, &binding.voucher.code)]).await.unwrap();
    assert_eq!(settled, [Settled::Accepted]);
    binding.voucher.code
}

/// Uses a voucher for the customer of a message.
pub(crate) async fn redeem(store: &SqliteStore, claim: &Claim, code: &Code) -> RedemptionResult {
    let redemption = Redemption {
        code: code.clone(),
        event_id: EventId::new("order").unwrap(),
        customer_id: None,
        at: None,
        holder: Some(claim.message.customer_id.clone()),
        passes: true,
        flagged: false,
    };
    store.redeem(&[redemption]).await.unwrap().remove(0)
}
