//! How much memory codes take. `docs/REDIS.md` gives the formula that is held against servers here.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tearoff::store::RedisOptions;
use tearoff::voucher::*;

use crate::servers::{Server, Settings, until};

/// What is kept in a pool.
#[derive(Debug, Clone, Copy)]
struct Shape {
    codes: usize,
    code: usize,
    customer: usize,
    /// The length of message ids that do not name the customer; 0 for the usual `<campaign>/<customer>`.
    message: usize,
    /// The length of the second of two metadata columns; 0 without any.
    metadata: usize,
    expires: bool,
    /// `hash-max-listpack-value`.
    packed_value: usize,
}

const USUAL: Shape =
    Shape { codes: 100_000, code: 12, customer: 8, message: 0, metadata: 0, expires: false, packed_value: 64 };

/// Bytes for each code.
#[derive(Debug, Clone, Copy)]
struct Bytes {
    available: f64,
    assigned: f64,
}

/// A text of `length` characters, made of a number.
fn text(start: &str, number: usize, length: usize) -> String {
    let width = length - start.len();
    format!("{start}{number:0width$}")
}

impl Shape {
    fn json(&self) -> String {
        serde_json::json!({ "discount": "20 %", "tier": "x".repeat(self.metadata) }).to_string()
    }

    fn vouchers(&self) -> Vec<NewVoucher> {
        let expires_at = self.expires.then(|| Timestamp::now() + SignedDuration::from_hours(240));
        let json = serde_json::json!({ "discount": "20 %", "tier": "x".repeat(self.metadata) }).to_string();
        let metadata: Metadata = if self.metadata > 0 { serde_json::from_str(&json).unwrap() } else { Metadata::new() };
        let code = |number| Code::new(text("S", number, self.code)).unwrap();
        (0..self.codes)
            .map(|number| NewVoucher { code: code(number), expires_at, metadata: metadata.clone() })
            .collect()
    }

    fn claim(&self, number: usize) -> Claim {
        let customer = text("c", number, self.customer);
        let id = if self.message == 0 { format!("spring/{customer}") } else { text("m", number, self.message) };
        let message = MessageIdentity {
            message_id: MessageId::new(id).unwrap(),
            customer_id: CustomerId::new(customer).unwrap(),
            campaign_id: Some(CampaignId::new("spring").unwrap()),
            channel: Channel::Email,
            mode: Mode::Live,
        };
        Claim { pool: spring(), width: Width::Message, message: Arc::new(message) }
    }

    /// What the codes take on a server of their own. Its log of slow commands would take memory, too.
    async fn measure(&self) -> Bytes {
        let settings = Settings::default().set("slowlog-max-len", "0");
        let server = Server::with(&settings.set("hash-max-listpack-value", &self.packed_value.to_string()));
        let few = Shape { codes: 1_000, ..*self };
        few.import(&few.open(&server, "before").await).await;
        few.assign(&few.open(&server, "before").await).await;
        let empty = used(&server);
        self.import(&self.open(&server, "default").await).await;
        let imported = used(&server);
        self.assign(&self.open(&server, "default").await).await;
        server.command::<()>(&["UNLINK", "tearoff:{default:spring}:journal"]);
        let each = |bytes: f64| bytes / self.codes as f64;
        Bytes { available: each(imported - empty), assigned: each(used(&server) - empty) }
    }

    async fn open(&self, server: &Server, project: &str) -> Arc<dyn Store> {
        Arc::new(RedisOptions::default().open(&server.url(), project).await.unwrap())
    }

    async fn import(&self, store: &Arc<dyn Store>) {
        if store.pool(&spring()).await.unwrap().is_none() {
            store.create_pool(&spring(), &PoolSettings::default()).await.unwrap();
        }
        for portion in self.vouchers().chunks(10_000) {
            store.import(&spring(), portion).await.unwrap();
        }
    }

    async fn assign(&self, store: &Arc<dyn Store>) {
        for first in (0..self.codes).step_by(500) {
            let claims: Vec<Claim> = (first..first + 500).map(|number| self.claim(number)).collect();
            let lease = Lease::new(Duration::from_secs(60));
            let claimed = store.reserve(&lease, &claims).await.unwrap();
            let kept: Vec<Kept> = claims.iter().zip(claimed).map(|(claim, claimed)| kept(claim, claimed)).collect();
            let settled = store.settle(&lease, &kept).await.unwrap();
            assert!(settled.iter().all(|settled| *settled == Settled::Accepted));
        }
    }

    async fn redeem(&self, store: &Arc<dyn Store>) {
        for first in (0..self.codes).step_by(200) {
            let claims: Vec<Claim> = (first..first + 200).map(|number| self.claim(number)).collect();
            let bindings = store.bindings(&claims).await.unwrap();
            let wish = |(claim, binding): (&Claim, Option<Binding>)| Redemption {
                code: binding.unwrap().voucher.code,
                event_id: EventId::new(format!("order-{}", claim.message.customer_id.as_str())).unwrap(),
                customer_id: None,
                at: None,
                holder: Some(claim.message.customer_id.clone()),
                passes: true,
                flagged: false,
            };
            let wishes: Vec<_> = claims.iter().zip(bindings).map(wish).collect();
            let results = store.redeem(&wishes).await.unwrap();
            assert!(results.iter().all(|result| *result == RedemptionResult::Redeemed));
        }
    }
}

fn spring() -> PoolName {
    PoolName::new("spring").unwrap()
}

fn kept(claim: &Claim, claimed: Claimed) -> Kept {
    let Claimed::Bound(binding) = claimed else { panic!("a voucher was expected, not {claimed:?}") };
    let shown = Shown { pool: spring(), key: claim.key().unwrap(), code: binding.voucher.code };
    Kept { message: claim.message.clone(), shown: vec![shown] }
}

/// The memory that a server uses once it is quiet: nobody is connected, and nothing grows or shrinks any more.
fn used(server: &Server) -> f64 {
    until("nobody is connected", || (server.info("connected_clients").as_deref() == Some("1")).then_some(()));
    let mut last = 0.0;
    until("the server is quiet", || {
        std::thread::sleep(Duration::from_millis(150));
        let now: f64 = server.info("used_memory")?.parse().unwrap();
        let is_quiet = f64::abs(now - last) < 10_000.0;
        last = now;
        is_quiet.then_some(())
    });
    last
}

/// What the allocator gives for so many bytes.
fn allocated(bytes: usize) -> f64 {
    let step = (bytes.next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step) as f64
}

impl Shape {
    /// The length of a binding: `src/store/redis/record.rs`.
    fn record(&self) -> usize {
        let message = if self.message == 0 { 0 } else { 1 + self.message };
        12 + self.code + self.customer + message + if self.expires { 6 } else { 0 }
    }

    /// What the codes should take, by the formula.
    fn expected(&self) -> Bytes {
        let (code, customer, message) = (self.code as f64, self.customer as f64, self.message as f64);
        let is_packed = self.record() <= self.packed_value;
        let metadata = match self.metadata {
            0 => 0.0,
            _ => 44.0 + allocated(self.code + 2) + allocated(self.json().len() + 3),
        };
        let expiry = if self.expires { 6.5 } else { 0.0 };
        let assigned = match (self.message, is_packed) {
            (0, true) => 58.0 + 2.15 * code + 1.15 * customer + expiry,
            (0, false) => 89.0 + code + allocated(self.record() + 4),
            (_, true) => 109.0 + 2.15 * code + 3.35 * customer + 1.15 * message + 2.0 * expiry,
            (_, false) => 183.0 + code + 1.15 * customer + allocated(self.record() + 4) + allocated(self.customer + 7),
        };
        Bytes { available: 6.0 + 2.17 * code + metadata, assigned: assigned + metadata }
    }

    /// Measures, tells, and holds the formula against it.
    async fn survey(&self) -> Bytes {
        let (found, expected) = (self.measure().await, self.expected());
        let told = format!("{self:?}: found {found:.1?}, expected {expected:.1?}");
        println!("{told}");
        for (found, expected) in [(found.available, expected.available), (found.assigned, expected.assigned)] {
            assert!((found / expected - 1.0).abs() < 0.05, "{told}");
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usual_code_takes_35_bytes_while_available_and_100_when_assigned() {
    let found = USUAL.survey().await;
    assert!(found.available <= 35.0 && found.assigned <= 100.0, "{found:.1?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_formula_tells_what_longer_things_take() {
    let few = [Shape { code: 20, customer: 24, metadata: 4, expires: true, ..USUAL }, Shape { message: 36, ..USUAL }];
    let more = [
        Shape { message: 36, packed_value: 256, ..USUAL },
        Shape { code: 20, ..USUAL },
        Shape { customer: 24, ..USUAL },
        Shape { customer: 40, ..USUAL },
        Shape { customer: 60, ..USUAL },
        Shape { customer: 60, packed_value: 256, ..USUAL },
        Shape { code: 32, customer: 40, ..USUAL },
        Shape { message: 20, customer: 24, ..USUAL },
        Shape { message: 36, expires: true, packed_value: 256, ..USUAL },
        Shape { metadata: 4, ..USUAL },
        Shape { metadata: 100, ..USUAL },
        Shape { expires: true, ..USUAL },
    ];
    let is_long = std::env::var_os("TEAROFF_LONG").is_some();
    for shape in few.iter().chain(more.iter().filter(|_| is_long)) {
        shape.survey().await;
    }
}

/// What a use takes for good, and what it takes while the journal goes back to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_use_takes_60_bytes_and_200_more_in_the_journal() {
    let shape = Shape { codes: 20_000, ..USUAL };
    let server = Server::with(&Settings::default().set("slowlog-max-len", "0"));
    shape.import(&shape.open(&server, "default").await).await;
    shape.assign(&shape.open(&server, "default").await).await;
    let journal = ["journal", "names"].map(|part| format!("tearoff:{{default:spring}}:{part}"));
    server.command::<()>(&["UNLINK", &journal[0]]);
    let assigned = used(&server);
    shape.redeem(&shape.open(&server, "default").await).await;
    let with_journal = (used(&server) - assigned) / shape.codes as f64;
    server.command::<()>(&["UNLINK", &journal[0], &journal[1]]);
    let redeemed = (used(&server) - assigned) / shape.codes as f64;
    println!("a use takes {redeemed:.1} bytes, with the journal {with_journal:.1}");
    assert!(redeemed <= 60.0 && with_journal <= 260.0, "{redeemed:.1} {with_journal:.1}");
}
