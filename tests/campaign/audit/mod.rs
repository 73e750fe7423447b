//! What a campaign wrote, held against the store: nothing is found where nothing is wrong, and what is wrong is named.

mod clean;
mod files;
mod store;

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    CampaignId, Channel, Claim, Claimed, Claims, CustomerId, Kept, Lease, MessageId, MessageIdentity, Mode, PoolName,
    Shown, Width,
};

use super::workshop::{Workshop, text};

impl Workshop {
    /// The discrepancies: kind, place, message and pool.
    #[track_caller]
    fn found(&self) -> Vec<String> {
        let audit = self.audit(1);
        let tell = |found: &Value| {
            assert!(!text(&found["problem"]).is_empty() && !text(&found["remedy"]).is_empty());
            let place = [&found["kind"], &found["file"], &found["line"], &found["message_id"], &found["pool"]];
            place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).join(" ")
        };
        audit["discrepancies"].as_array().unwrap().iter().map(tell).collect()
    }

    /// Changes the lines of a file.
    fn edit(&self, file: &str, change: impl FnOnce(&mut Vec<String>)) {
        let mut lines: Vec<String> = self.read(file).lines().map(str::to_owned).collect();
        change(&mut lines);
        self.write(file, &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }

    fn sql(&self, statement: &str) {
        let changed = Connection::open(self.path("tearoff.db")).unwrap().execute(statement, []).unwrap();
        assert!(changed > 0, "{statement}");
    }

    /// Claims for a message of the campaign, as another program would, and settles what it got.
    fn claim(&self, customer: &str, width: Width, settle: bool) {
        let message = Arc::new(MessageIdentity {
            message_id: MessageId::new(format!("spring-2026/{customer}")).unwrap(),
            customer_id: CustomerId::new(customer).unwrap(),
            campaign_id: Some(CampaignId::new("spring-2026").unwrap()),
            channel: Channel::Sms,
            mode: Mode::Live,
        });
        let claim = Claim { pool: PoolName::new("spring").unwrap(), width, message: Arc::clone(&message) };
        let store = SqliteStore::open(self.path("tearoff.db"), "default").unwrap();
        let lease = Lease::new(Lease::TIME);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let claimed = store.reserve(&lease, std::slice::from_ref(&claim)).await.unwrap().remove(0);
            let Claimed::Bound(binding) = claimed else { panic!("{claimed:?}") };
            if settle {
                let shown =
                    Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code.clone() };
                store.settle(&lease, &[Kept { message, shown: vec![shown] }]).await.unwrap();
            }
        });
    }
}

/// Twelve recipients with a code each.
fn sent() -> Workshop {
    let workshop = Workshop::new(12, 20);
    workshop.send(&[]).exits(0);
    workshop
}

fn sorted<T: Into<String>>(rows: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut rows: Vec<String> = rows.into_iter().map(Into::into).collect();
    rows.sort();
    rows
}
