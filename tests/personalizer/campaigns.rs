//! Random sequences of runs, crashes, retries, imports and new rows, held against what has to be true after each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::{Value, json};
use tearoff::campaign::{AudienceSource, Campaign, Columns, Ending, RenderThreads, RunOptions, Summary, WhenEmpty};
use tearoff::render::{Limits, Renderer};
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    CampaignId, Channel, Claim, Claimed, Claims, Code, Count, Kept, Lease, Lookup, NewVoucher, PoolCounts, PoolName,
    PoolSettings, Settled, Stock,
};
use tearoff::{ErrorKind, Result};
use tempfile::TempDir;
use tokio::sync::Notify;

/// What a customer needs follows from the last digit of their id.
const TEMPLATE: &str = "\
    {% set d = customer.id|last|int %}\
    {% if d in [1, 4, 5, 6] %}{{ vouchers.a.assign_available() }} {% endif %}\
    {% if d == 2 %}{{ vouchers.a.assign_available(cached=false) }} {{ vouchers.a.assign_available(cached=false) }}{% endif %}\
    {% if d == 3 %}{{ vouchers.a.assign_available(per='campaign') }}{% endif %}\
    {% if d == 6 %}{{ vouchers.b.assign_available() }}{% endif %}\
    {% if d == 7 %}$cst.b.coupon${% endif %}\
    {% if d == 4 %}{{ abort() }}{% endif %}\
    {% if d == 5 %}{{ 1 // 0 }}{% endif %}";

const POOLS: [&str; 2] = ["a", "b"];

/// How many vouchers of the pools `a` and `b` a customer needs.
fn needs(customer: &str) -> [u64; 2] {
    match customer.as_bytes().last() {
        Some(b'1' | b'3' | b'4' | b'5') => [1, 0],
        Some(b'2') => [2, 0],
        Some(b'6') => [1, 1],
        Some(b'7') => [0, 1],
        _ => [0, 0],
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Run, and die at this call of the store, before or after it is done.
    Run {
        retry: bool,
        limit: Option<u64>,
        dies: Option<(usize, bool)>,
    },
    Import(usize, usize),
    /// Rows at the end of the audience; `None` is a row without a customer.
    Append(Vec<Option<u8>>),
}

fn step() -> impl Strategy<Value = Step> {
    let limit = prop_oneof![2 => Just(None), 1 => (0u64..9).prop_map(Some)];
    let dies = prop_oneof![1 => Just(None), 1 => (0usize..14, any::<bool>()).prop_map(Some)];
    prop_oneof![
        6 => (any::<bool>(), limit, dies).prop_map(|(retry, limit, dies)| Step::Run { retry, limit, dies }),
        2 => (0usize..2, 1usize..8).prop_map(|(pool, count)| Step::Import(pool, count)),
        2 => rows().prop_map(Step::Append),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Option<u8>>> {
    prop::collection::vec(prop_oneof![9 => (0u8..40).prop_map(Some), 1 => Just(None)], 1..12)
}

/// A store that one process uses, until that process dies. Its leases are short, so that the next one need not wait long.
struct Process {
    store: Arc<SqliteStore>,
    calls: AtomicUsize,
    dies: Option<(usize, bool)>,
    dead: Notify,
}

impl Process {
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let Some((last, done)) = self.dies.filter(|(last, _)| number >= *last) else { return call.await };
        if done && number == last {
            let _ = call.await;
        }
        self.dead.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Claims for Process {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let mut lease = lease.clone();
        lease.time = Duration::from_millis(150);
        self.call(self.store.reserve(&lease, claims)).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        self.call(self.store.settle(lease, kept)).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.call(self.store.counts(pools)).await
    }
}

struct World {
    folder: TempDir,
    store: Arc<SqliteStore>,
    threads: Arc<RenderThreads>,
    when_empty: WhenEmpty,
    batch: usize,
    rows: Vec<Option<u8>>,
    imported: [usize; 2],
    /// The codes of each customer, since they stood in a file for the first time.
    shown: BTreeMap<String, Value>,
}

impl World {
    async fn new(rows: Vec<Option<u8>>, batch: usize, when_empty: WhenEmpty) -> World {
        let store = Arc::new(SqliteStore::in_memory("default").unwrap());
        for pool in POOLS {
            store.create_pool(&PoolName::new(pool).unwrap(), &PoolSettings::default()).await.unwrap();
        }
        let threads = Arc::new(RenderThreads::start(NonZeroUsize::MIN).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let world = World { folder, store, threads, when_empty, batch, rows, imported: [0, 0], shown: BTreeMap::new() };
        world.write_audience();
        world
    }

    fn write_audience(&self) {
        let name = |row: &Option<u8>| row.map_or_else(String::new, |number| format!("c{number}"));
        let rows: String = self.rows.iter().map(|row| format!("{},x\n", name(row))).collect();
        std::fs::write(self.folder.path().join("audience.csv"), format!("customer_id,x\n{rows}")).unwrap();
    }

    async fn import(&mut self, pool: usize, count: usize) {
        let (name, from) = (POOLS[pool], self.imported[pool]);
        let voucher = |number| NewVoucher {
            code: Code::new(format!("{name}{number}")).unwrap(),
            expires_at: None,
            metadata: Default::default(),
        };
        let vouchers: Vec<_> = (from..from + count).map(voucher).collect();
        self.store.import(&PoolName::new(name).unwrap(), &vouchers).await.unwrap();
        self.imported[pool] += count;
    }

    /// What a run comes to; `None` if it dies.
    async fn run(&self, options: &RunOptions, dies: Option<(usize, bool)>) -> Option<Result<Summary>> {
        let process =
            Arc::new(Process { store: Arc::clone(&self.store), calls: AtomicUsize::new(0), dies, dead: Notify::new() });
        let template = Renderer::new(Limits::default()).compile("t", Channel::Sms, [("body.txt", TEMPLATE)]).unwrap();
        let campaign = Campaign {
            id: CampaignId::new("spring").unwrap(),
            channel: Channel::Sms,
            template: Arc::new(template),
            audience: AudienceSource::File(self.folder.path().join("audience.csv")),
            columns: Columns::new(),
            batch: self.batch,
            when_empty: self.when_empty,
            claims: process.clone(),
            lookup: self.store.clone(),
            watch: None,
            threads: Arc::clone(&self.threads),
        };
        let out = self.folder.path().join("out");
        let mut progress = |_: &_| ();
        tokio::select! {
            summary = campaign.run(&out, options, &mut progress) => Some(summary),
            () = process.dead.notified() => {
                self.wait_for_folder().await;
                None
            }
        }
    }

    /// Waits until the dead run's writer has let go of the folder. A real process takes its threads with it.
    async fn wait_for_folder(&self) {
        let Ok(lock) = File::open(self.folder.path().join("out/.lock")) else { return };
        while lock.try_lock().is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("out").join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Nobody stands there twice, and nobody has another code than before or somebody else's.
    fn check_files(&mut self) {
        let mut once = BTreeSet::new();
        let messages = self.lines("messages.jsonl");
        for line in messages.iter().chain(&self.lines("suppressed.jsonl")) {
            assert!(once.insert(line["customer_id"].to_string()), "a customer stands there twice");
        }
        for message in messages {
            let codes = message["parts"]["body.txt"].clone();
            let known = self.shown.entry(message["customer_id"].as_str().unwrap().to_owned()).or_insert(codes.clone());
            assert_eq!(*known, codes, "another code than before");
        }
        let all: Vec<&str> = self.shown.values().flat_map(|codes| codes.as_str().unwrap().split_whitespace()).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a code with two customers");
    }

    /// The customers whose last outcome is a failure, with its reason.
    fn failed(&self) -> BTreeMap<String, String> {
        let mut failed = BTreeMap::new();
        for (number, event) in self.lines("events.jsonl").iter().enumerate() {
            let properties = &event["properties"];
            let customer = event["customer_id"].as_str().map_or_else(|| format!("row of {number}"), str::to_owned);
            match properties["reason"].as_str() {
                Some(reason) => failed.insert(customer, reason.to_owned()),
                None => failed.remove(&customer),
            };
        }
        for outcome in self.lines("suppressed.jsonl") {
            failed.remove(outcome["customer_id"].as_str().unwrap());
        }
        failed
    }

    /// The report says what stands in the files, and the pools hold the rest.
    async fn check_summary(&mut self, summary: &Summary) {
        let (messages, suppressed, failed) =
            (self.lines("messages.jsonl"), self.lines("suppressed.jsonl"), self.failed());
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        let aborted = suppressed.iter().map(|outcome| outcome["reason"].as_str().unwrap().to_owned());
        aborted.chain(failed.values().cloned()).for_each(|reason| *reasons.entry(reason).or_default() += 1);
        let tally = &summary.report.tally;
        assert_eq!(
            json!([tally.rendered, tally.suppressed, tally.enqueue_failed, tally.recipients, tally.reasons]),
            json!([
                messages.len(),
                suppressed.len(),
                failed.len(),
                messages.len() + suppressed.len() + failed.len(),
                reasons
            ])
        );
        for (pool, name) in POOLS.into_iter().enumerate() {
            let shown: u64 = messages.iter().map(|line| needs(line["customer_id"].as_str().unwrap())[pool]).sum();
            let told = tally.vouchers.get(&PoolName::new(name).unwrap()).copied().unwrap_or_default();
            let counts = self.counts(pool).await;
            assert_eq!((told, counts.total), (shown, self.imported[pool] as u64));
            assert!(counts.assigned >= shown, "a delivered code is not assigned");
        }
    }

    /// Everybody has an outcome, and nothing is bound but what was delivered.
    async fn check_everybody(&self, summary: &Summary) {
        let customers: BTreeSet<u8> = self.rows.iter().copied().flatten().collect();
        let nobody = self.rows.iter().filter(|row| row.is_none()).count();
        let tally = &summary.report.tally;
        assert_eq!(tally.recipients as usize, customers.len() + nobody);
        assert_eq!(tally.duplicates as usize, self.rows.len() - nobody - customers.len());
        for (pool, name) in POOLS.into_iter().enumerate() {
            let shown = tally.vouchers.get(&PoolName::new(name).unwrap()).copied().unwrap_or_default();
            assert_eq!(self.counts(pool).await.assigned, shown);
        }
    }

    /// Whoever went without could not have been served.
    async fn check_exactness(&self) {
        let left = [self.counts(0).await.available, self.counts(1).await.available];
        for (customer, _) in self.failed().into_iter().filter(|(_, reason)| reason == "pool_empty") {
            let needs = needs(&customer);
            assert!(needs[0] > left[0] || needs[1] > left[1], "'pool_empty' beside free codes: {customer}");
        }
    }

    async fn counts(&self, pool: usize) -> PoolCounts {
        self.store.pool(&PoolName::new(POOLS[pool]).unwrap()).await.unwrap().unwrap().counts
    }

    fn checkpoint(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join("out/checkpoint.json"));
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    /// One run, and what has to be true behind it.
    async fn step(&mut self, retry: bool, limit: Option<u64>, dies: Option<(usize, bool)>) {
        let before = self.checkpoint();
        let options = RunOptions { retry_failed: retry, limit, ..RunOptions::default() };
        let ran = self.run(&options, dies).await;
        self.check_files();
        match ran {
            None => {}
            Some(Err(error)) => {
                let is_too_early = retry && before["complete"] != true && error.kind() == ErrorKind::Refused;
                assert!(is_too_early || error.is_retryable(), "{error}");
            }
            Some(Ok(summary)) => {
                self.check_summary(&summary).await;
                let is_plain = !retry && before["retry"].is_null();
                let asks_all = before["retry"].is_null() && (retry || before["audience"].is_null());
                if summary.ending == Ending::Complete && is_plain {
                    self.check_everybody(&summary).await;
                }
                if summary.ending == Ending::Complete && asks_all {
                    self.check_exactness().await;
                }
            }
        }
    }
}

async fn play(rows: Vec<Option<u8>>, batch: usize, when_empty: WhenEmpty, steps: Vec<Step>) {
    let mut world = World::new(rows, batch, when_empty).await;
    let run = |retry| Step::Run { retry, limit: None, dies: None };
    let last = [run(false), Step::Import(0, 200), Step::Import(1, 200), run(false), run(false), run(true), run(true)];
    for step in steps.into_iter().chain(last) {
        match step {
            Step::Run { retry, limit, dies } => world.step(retry, limit, dies).await,
            Step::Import(pool, count) => world.import(pool, count).await,
            Step::Append(rows) => {
                world.rows.extend(rows);
                world.write_audience();
            }
        }
    }
    assert!(!world.failed().values().any(|reason| reason == "pool_empty"), "there are codes for everybody");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_between_runs_everybody_ends_with_one_outcome(
        rows in rows(), batch in 1usize..5, pauses in any::<bool>(), steps in prop::collection::vec(step(), 1..14)
    ) {
        let when_empty = if pauses { WhenEmpty::Pause } else { WhenEmpty::Fail };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(rows, batch, when_empty, steps));
    }
}
