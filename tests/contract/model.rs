//! Any mix of calls against a model of the protocol that is small enough to be read.
//!
//! Which voucher a pool hands out is the store's choice; everything else the model foretells, and it is compared after each
//! call: every answer, every count, every binding and the state of every voucher.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{replace, take};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tearoff::voucher::*;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::fixture::Fixture;
use crate::world::*;

const POOLS: [&str; 2] = ["spring", "summer"];
const WIDTHS: [Width; 4] = [Width::Message, Width::Occurrence(1), Width::Campaign, Width::Customer];
const FALLBACK: &str = "FALLBACK";

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// A sender claims for some messages under the lease that it has.
    Reserve {
        sender: usize,
        claims: Vec<Wish>,
        second_store: bool,
    },
    /// A sender ends its lease, keeping those of its messages whose bit is set; then it begins a new one.
    Settle {
        sender: usize,
        keep: u8,
        second_store: bool,
    },
    /// The last settling call of a sender arrives once more.
    SettleAgain {
        sender: usize,
    },
    /// A sender dies; what it would have settled arrives perhaps later, as `SettleAgain`.
    Crash {
        sender: usize,
    },
    /// Half or a whole lease time passes.
    Pass {
        whole: bool,
    },
    Release {
        message: usize,
    },
    ReclaimTests,
    Import {
        pool: usize,
        count: usize,
    },
    Set {
        pool: usize,
        paused: bool,
        total: Option<u64>,
        per_customer: Option<u64>,
        fallback: bool,
    },
}

/// A claim to be made.
#[derive(Debug, Clone)]
struct Wish {
    pool: usize,
    width: usize,
    message: usize,
    test: bool,
    wrong_customer: bool,
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let wish = (0..2usize, 0..4usize, 0..6usize, prop::bool::weighted(0.2), prop::bool::weighted(0.05))
        .prop_map(|(pool, width, message, test, wrong_customer)| Wish { pool, width, message, test, wrong_customer });
    prop::collection::vec(wish, 0..5)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = || prop::option::weighted(0.3, 0..4u64);
    let step = prop_oneof![
        8 => (0..3usize, wishes(), any::<bool>())
            .prop_map(|(sender, claims, second_store)| Step::Reserve { sender, claims, second_store }),
        5 => (0..3usize, any::<u8>(), any::<bool>())
            .prop_map(|(sender, keep, second_store)| Step::Settle { sender, keep, second_store }),
        2 => (0..3usize).prop_map(|sender| Step::SettleAgain { sender }),
        2 => (0..3usize).prop_map(|sender| Step::Crash { sender }),
        2 => any::<bool>().prop_map(|whole| Step::Pass { whole }),
        1 => (0..6usize).prop_map(|message| Step::Release { message }),
        1 => Just(Step::ReclaimTests),
        2 => (0..2usize, 1..4usize).prop_map(|(pool, count)| Step::Import { pool, count }),
        1 => (0..2usize, prop::bool::weighted(0.2), limit(), limit(), prop::bool::weighted(0.2)).prop_map(
            |(pool, paused, total, per_customer, fallback)| Step::Set { pool, paused, total, per_customer, fallback }
        ),
    ];
    prop::collection::vec(step, 1..60)
}

/// Reserve, settle in part, ask again, die, let time pass, release, reclaim, import, pause, limit, from two stores at once.
pub(crate) async fn any_mix_of_calls_behaves_as_the_model<F: Fixture>() {
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let runtime = Handle::current();
    let run = |steps: Vec<Step>| {
        runtime.block_on(async {
            let mut play = Play::<F>::new().await;
            for step in &steps {
                play.perform(step).await;
                play.compare().await;
            }
        });
        Ok(())
    };
    block_in_place(|| TestRunner::new(config).run(&steps(), run)).unwrap();
}

/// What the model knows of a binding.
#[derive(Debug, Clone)]
struct Entry {
    code: Code,
    /// The pool whose voucher it is; none for the fallback code.
    from: Option<usize>,
    lease: Option<LeaseId>,
    message: Arc<MessageIdentity>,
    width: Width,
}

/// The protocol, in memory.
#[derive(Default)]
struct Model {
    time: u32,
    settings: [PoolSettings; 2],
    stock: [BTreeSet<Code>; 2],
    imported: [BTreeSet<Code>; 2],
    bindings: BTreeMap<(usize, String), Entry>,
    leases: BTreeMap<LeaseId, u32>,
    messages: BTreeMap<MessageId, Arc<MessageIdentity>>,
    retired: BTreeSet<MessageId>,
}

/// What the store must answer.
#[derive(Debug, PartialEq)]
enum Foretold {
    Is(Claimed),
    /// This code, which was bound before.
    Same(Code),
    /// Any available code of this pool, or the fallback code.
    New(Option<usize>),
}

fn index(name: &PoolName) -> usize {
    POOLS.iter().position(|pool| *pool == name.as_str()).unwrap()
}

impl Model {
    /// Half lease times that a lease lives.
    const LEASE: u32 = 2;

    fn rejection(&self, message: &MessageIdentity) -> Option<Rejection> {
        if self.retired.contains(&message.message_id) {
            return Some(Rejection::Released);
        }
        let owner = self.messages.get(&message.message_id)?;
        let same = (&owner.customer_id, owner.mode) == (&message.customer_id, message.mode);
        (!same).then_some(Rejection::Conflict)
    }

    fn give_back(&mut self, goes: impl Fn(&Entry) -> bool) -> u64 {
        let (gone, stay) = take(&mut self.bindings).into_iter().partition(|(_, entry)| goes(entry));
        self.bindings = stay;
        let gone: BTreeMap<_, Entry> = gone;
        let mut vouchers = 0;
        for entry in gone.into_values() {
            if let Some(pool) = entry.from {
                self.stock[pool].insert(entry.code);
                vouchers += 1;
            }
        }
        vouchers
    }

    fn sweep(&mut self) {
        let now = self.time;
        self.leases.retain(|_, end| *end > now);
        let living = self.leases.clone();
        self.give_back(|entry| entry.lease.is_some_and(|lease| !living.contains_key(&lease)));
    }

    fn foretell(&self, lease: LeaseId, claim: &Claim) -> Foretold {
        use Foretold::{Is, New, Same};
        if let Some(rejection) = self.rejection(&claim.message) {
            return Is(Claimed::Rejected(rejection));
        }
        let pool = index(&claim.pool);
        if let Some(entry) = self.bindings.get(&(pool, claim.key().unwrap().as_str().to_owned())) {
            return Same(entry.code.clone());
        }
        if self.settings[pool].paused {
            return Is(Claimed::Refused(Refusal::PoolPaused));
        }
        if let Some(contended) = self.limit(lease, pool, &claim.message) {
            return Is(refuse(Refusal::LimitReached, contended));
        }
        let chain: Vec<_> = (pool..2).filter(|pool| !self.settings[*pool].paused).collect();
        if let Some(from) = chain.iter().find(|pool| !self.stock[**pool].is_empty()) {
            return New(Some(*from));
        }
        if chain.iter().any(|pool| self.settings[*pool].fallback.is_some()) {
            return New(None);
        }
        let held = |entry: &Entry| {
            entry.lease.is_some_and(|holder| holder != lease) && entry.from.is_some_and(|from| chain.contains(&from))
        };
        Is(refuse(Refusal::PoolEmpty, self.bindings.values().any(held)))
    }

    /// Whether a limit is reached, and if so whether it is contended.
    fn limit(&self, lease: LeaseId, pool: usize, message: &MessageIdentity) -> Option<bool> {
        let Limits { total, per_customer, .. } = self.settings[pool].limits;
        let counting = |customer: Option<&CustomerId>| {
            let of_customer = |entry: &&Entry| customer.is_none_or(|id| entry.message.customer_id == *id);
            let live =
                self.bindings.iter().filter(|((named, _), entry)| *named == pool && entry.message.mode == Mode::Live);
            live.map(|(_, entry)| entry).filter(of_customer).map(|entry| entry.lease).collect::<Vec<_>>()
        };
        let reached = [(total, counting(None)), (per_customer, counting(Some(&message.customer_id)))]
            .into_iter()
            .filter(|(limit, given)| limit.is_some_and(|limit| given.len() as u64 >= limit))
            .map(|(_, given)| given.into_iter().flatten().any(|holder| holder != lease))
            .collect::<Vec<_>>();
        (!reached.is_empty()).then(|| reached.into_iter().all(|contended| contended))
    }

    /// Compares an answer with what was foretold, and takes it over.
    fn take_over(&mut self, lease: LeaseId, claim: &Claim, answer: &Claimed) {
        let pool = index(&claim.pool);
        let key = (pool, claim.key().unwrap().as_str().to_owned());
        match (self.foretell(lease, claim), answer) {
            (Foretold::Is(expected), answer) => assert_eq!(answer, &expected),
            (Foretold::Same(expected), Claimed::Bound(binding)) => {
                assert_eq!(binding.voucher.code.as_str(), expected.as_str());
                let entry = self.bindings.get_mut(&key).unwrap();
                assert_eq!(binding.reserved, entry.lease.is_some());
                entry.lease = entry.lease.and(Some(lease));
            }
            (Foretold::New(from), Claimed::Bound(binding)) => {
                let code = binding.voucher.code.clone();
                match from {
                    Some(from) => assert!(self.stock[from].remove(&code), "the code was not free"),
                    None => assert_eq!(code.as_str(), FALLBACK),
                }
                let (message, width) = (claim.message.clone(), claim.width);
                self.bindings.insert(key, Entry { code, from, lease: Some(lease), message, width });
            }
            (foretold, answer) => panic!("{answer:?} instead of {foretold:?}"),
        }
    }

    fn settle(&mut self, lease: LeaseId, kept: &[Kept]) -> Vec<Settled> {
        let answers = kept.iter().map(|kept| self.keep(kept)).collect();
        self.give_back(|entry| entry.lease == Some(lease));
        self.leases.remove(&lease);
        answers
    }

    fn keep(&mut self, kept: &Kept) -> Settled {
        let keys: Vec<_> = kept.shown.iter().map(|shown| (index(&shown.pool), shown.key.as_str().to_owned())).collect();
        let as_shown = |(shown, key): (&Shown, &(usize, String))| {
            self.bindings.get(key).is_some_and(|entry| entry.code == shown.code)
        };
        if self.rejection(&kept.message).is_some() || !kept.shown.iter().zip(&keys).all(as_shown) {
            return Settled::Refused;
        }
        for key in keys {
            let entry = self.bindings.get_mut(&key).unwrap();
            if entry.lease.take().is_some() {
                entry.message = kept.message.clone();
            }
        }
        self.messages.entry(kept.message.message_id.clone()).or_insert_with(|| kept.message.clone());
        Settled::Accepted
    }

    fn release(&mut self, id: &MessageId) -> Option<ReleasedMessage> {
        let of_message = |entry: &Entry| entry.message.message_id == *id;
        let reserves = self.bindings.values().any(|entry| of_message(entry) && self.is_held(entry));
        if !reserves && !self.messages.contains_key(id) && !self.retired.contains(id) {
            return None;
        }
        self.sweep();
        self.retired.insert(id.clone());
        let own = |entry: &Entry| of_message(entry) && matches!(entry.width, Width::Message | Width::Occurrence(_));
        let kept =
            self.bindings.values().filter(|entry| of_message(entry) && !own(entry) && entry.from.is_some()).count();
        Some(ReleasedMessage { released: self.give_back(own), kept: kept as u64 })
    }

    fn counts(&self, pool: usize) -> PoolCounts {
        let given = || self.bindings.values().filter(|entry| entry.from == Some(pool));
        let reserved = given().filter(|entry| self.is_held(entry)).count() as u64;
        let assigned = given().filter(|entry| entry.lease.is_none()).count() as u64;
        let total = self.imported[pool].len() as u64;
        PoolCounts { total, available: total - reserved - assigned, reserved, assigned, ..PoolCounts::default() }
    }

    fn is_held(&self, entry: &Entry) -> bool {
        entry.lease.is_some_and(|lease| self.leases.get(&lease).is_some_and(|end| *end > self.time))
    }
}

fn refuse(refusal: Refusal, is_contended: bool) -> Claimed {
    if is_contended { Claimed::Contended(refusal) } else { Claimed::Refused(refusal) }
}

/// A sender with its present attempt, and its last settling call.
struct Sender {
    lease: Lease,
    shown: Vec<(Claim, Code)>,
    last: (Lease, Vec<Kept>),
}

impl Sender {
    fn new(time: Duration) -> Sender {
        Sender { lease: Lease::new(time), shown: Vec::new(), last: (Lease::new(time), Vec::new()) }
    }

    /// Ends the present attempt, with what it would settle.
    fn finish(&mut self, keep: u8) {
        let mut messages: Vec<Kept> = Vec::new();
        for (claim, code) in self.shown.drain(..) {
            match messages.iter_mut().find(|kept| kept.message == claim.message) {
                Some(kept) => kept.shown.push(show(&claim, &code)),
                None => messages.push(Kept { message: claim.message.clone(), shown: vec![show(&claim, &code)] }),
            }
        }
        let kept = messages.into_iter().enumerate().filter(|(n, _)| keep & (1 << (n % 8)) != 0).map(|(_, kept)| kept);
        let next = Lease::new(self.lease.time);
        self.last = (replace(&mut self.lease, next), kept.collect());
    }
}

/// The store and the model, side by side.
struct Play<F> {
    world: World<F>,
    second: Arc<dyn Store>,
    model: Model,
    senders: Vec<Sender>,
    claims: Vec<Claim>,
}

impl<F: Fixture> Play<F> {
    async fn new() -> Play<F> {
        let world = World::<F>::new().await;
        let second = world.fixture.another().await;
        let mut model = Model::default();
        model.settings[0].overflow = Some(pool("summer"));
        for n in [1, 0] {
            world.pool(POOLS[n], model.settings[n].clone()).await;
        }
        let senders = (0..3).map(|_| Sender::new(F::LEASE)).collect();
        Play { world, second, model, senders, claims: Vec::new() }
    }

    fn store(&self, second: bool) -> Arc<dyn Store> {
        if second { self.second.clone() } else { self.world.store.clone() }
    }

    async fn perform(&mut self, step: &Step) {
        match step {
            Step::Reserve { sender, claims, second_store } => self.reserve(*sender, claims, *second_store).await,
            Step::Settle { sender, keep, second_store } => {
                self.senders[*sender].finish(*keep);
                self.settle(*sender, *second_store).await;
            }
            Step::SettleAgain { sender } => self.settle(*sender, false).await,
            Step::Crash { sender } => self.senders[*sender].finish(u8::MAX),
            Step::Pass { whole } => self.pass(*whole).await,
            Step::Release { message } => self.release(*message).await,
            Step::ReclaimTests => {
                let is_test = |entry: &Entry| entry.message.mode == Mode::Test && entry.lease.is_none();
                assert_eq!(self.world.store.reclaim_tests().await.unwrap(), self.model.give_back(is_test));
            }
            Step::Import { pool, count } => self.import(*pool, *count).await,
            Step::Set { pool, paused, total, per_customer, fallback } => {
                let settings = &mut self.model.settings[*pool];
                settings.paused = *paused;
                settings.limits = Limits { total: *total, per_customer: *per_customer, per_campaign: None };
                settings.fallback = fallback.then(|| code(FALLBACK));
                self.world.set(POOLS[*pool], settings.clone()).await;
            }
        }
    }

    async fn reserve(&mut self, sender: usize, wishes: &[Wish], second: bool) {
        let claims: Vec<_> = wishes.iter().map(Wish::claim).collect();
        let lease = self.senders[sender].lease.clone();
        let answers = self.store(second).reserve(&lease, &claims).await.unwrap();
        self.model.sweep();
        self.model.leases.insert(lease.id, self.model.time + Model::LEASE);
        for (claim, answer) in claims.into_iter().zip(answers) {
            self.model.take_over(lease.id, &claim, &answer);
            if let Claimed::Bound(binding) = answer {
                self.senders[sender].shown.push((claim.clone(), binding.voucher.code));
            }
            self.claims.push(claim);
        }
    }

    async fn settle(&mut self, sender: usize, second: bool) {
        let (lease, kept) = self.senders[sender].last.clone();
        let answers = self.store(second).settle(&lease, &kept).await.unwrap();
        assert_eq!(answers, self.model.settle(lease.id, &kept));
    }

    async fn pass(&mut self, whole: bool) {
        let halves = if whole { Model::LEASE } else { 1 };
        self.world.fixture.pass(F::LEASE / 2 * halves).await;
        self.model.time += halves;
    }

    async fn release(&mut self, message: usize) {
        let id = MessageId::new(format!("m{message}")).unwrap();
        let released = self.second.release_message(&id).await.ok();
        assert_eq!(released, self.model.release(&id));
    }

    async fn import(&mut self, pool: usize, count: usize) {
        let start = self.model.imported[pool].len();
        let codes: Vec<_> = (0..start + count).map(|n| format!("{}-{n}", POOLS[pool])).collect();
        let answers = self.world.import(POOLS[pool], &codes).await;
        assert_eq!(answers.iter().filter(|answer| **answer == Imported::Added).count(), count);
        for new in &codes[start..] {
            self.model.imported[pool].insert(code(new));
            self.model.stock[pool].insert(code(new));
        }
    }

    /// Whether the store knows what the model knows.
    async fn compare(&self) {
        let found = self.second.bindings(&self.claims).await.unwrap();
        for (claim, found) in self.claims.iter().zip(found) {
            let entry = self.model.bindings.get(&(index(&claim.pool), claim.key().unwrap().as_str().to_owned()));
            let entry = entry.filter(|entry| entry.lease.is_none() || self.model.is_held(entry));
            assert_eq!(found.map(|found| found.voucher.code), entry.map(|entry| entry.code.clone()));
        }
        for (n, name) in POOLS.into_iter().enumerate() {
            let counts = self.world.counts(name).await;
            assert_eq!(counts, self.model.counts(n));
            let listing = self.world.listing(name).await;
            let in_state = |state| listing.iter().filter(|record| record.state == state).count() as u64;
            let listed = [State::Available, State::Reserved, State::Assigned].map(in_state);
            assert_eq!(listed, [counts.available, counts.reserved, counts.assigned]);
            let codes: BTreeSet<_> = listing.into_iter().map(|record| record.code).collect();
            assert_eq!(codes, self.model.imported[n]);
        }
    }
}

impl Wish {
    fn claim(&self) -> Claim {
        let customer = (self.message + usize::from(self.wrong_customer)) % 3;
        let (id, customer) = (format!("m{}", self.message), format!("c{customer}"));
        let message = if self.test { test_message(&id, &customer) } else { message(&id, &customer) };
        claim(POOLS[self.pool], &message, WIDTHS[self.width])
    }
}
