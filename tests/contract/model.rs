//! Any mix of calls against a model of the protocol that is small enough to be read.
//!
//! Which voucher a pool hands out is the store's choice; everything else the model foretells, and it is compared after each
//! call: every answer, every count, every binding and the state of every voucher.

mod protocol;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::replace;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tearoff::voucher::*;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use self::protocol::{Entry, FALLBACK, Model, POOLS, index};
use crate::fixture::Fixture;
use crate::world::*;

const WIDTHS: [Width; 4] = [Width::Message, Width::Occurrence(1), Width::Campaign, Width::Customer];

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
        per_day: Option<u64>,
        fallback: bool,
    },
    /// An event wants to use a voucher, for the one who holds it, or for somebody else, or against a rule.
    Redeem {
        voucher: Which,
        event: usize,
        wrong_holder: bool,
        passes: bool,
    },
    RollBack {
        voucher: Which,
        event: usize,
    },
    Void {
        voucher: Which,
    },
}

/// A voucher: its pool, and the number of its code, which may not be there.
type Which = (usize, usize);

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

fn which() -> impl Strategy<Value = Which> {
    (0..2usize, 0..4usize)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = || prop::option::weighted(0.3, 0..4u64);
    let per_day = prop::option::weighted(0.3, 1..4u64);
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
        1 => (0..2usize, prop::bool::weighted(0.2), limit(), limit(), per_day, prop::bool::weighted(0.2)).prop_map(
            |(pool, paused, total, per_customer, per_day, fallback)| {
                Step::Set { pool, paused, total, per_customer, per_day, fallback }
            }
        ),
        3 => (which(), 0..3usize, prop::bool::weighted(0.1), prop::bool::weighted(0.9)).prop_map(
            |(voucher, event, wrong_holder, passes)| Step::Redeem { voucher, event, wrong_holder, passes }
        ),
        2 => (which(), 0..3usize).prop_map(|(voucher, event)| Step::RollBack { voucher, event }),
        1 => which().prop_map(|voucher| Step::Void { voucher }),
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
            play.compare_journals().await;
        });
        Ok(())
    };
    block_in_place(|| TestRunner::new(config).run(&steps(), run)).unwrap();
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
            let id = &claim.message.message_id;
            match messages.iter_mut().find(|kept| kept.message.message_id == *id) {
                Some(kept) if kept.message == claim.message => kept.shown.push(show(&claim, &code)),
                // A call names an id once.
                Some(_) => {}
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
        // No step makes so much time pass that the day ends.
        let day = 24 * 60 * 60 * 1000;
        let gone = world.fixture.now().as_millisecond().rem_euclid(day).unsigned_abs();
        world.fixture.pass(Duration::from_millis(day.unsigned_abs() - gone + 1000)).await;
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
                let is_test =
                    |entry: &Entry| entry.message.mode == Mode::Test && entry.lease.is_none() && !entry.is_redeemed;
                assert_eq!(self.world.store.reclaim_tests().await.unwrap(), self.model.give_back(is_test));
            }
            Step::Import { pool, count } => self.import(*pool, *count).await,
            Step::Redeem { voucher, event, wrong_holder, passes } => {
                self.redeem(*voucher, *event, *wrong_holder, *passes).await;
            }
            Step::RollBack { voucher, event } => {
                let (code, event) = (code_of(*voucher), event_id(*event));
                let answer = self.second.roll_back(&code, &event).await.unwrap();
                assert_eq!(answer, self.model.roll_back(&code, &event));
            }
            // A store that keeps pools apart counts what overflowed for limits until its claim is asked again.
            Step::Void { voucher } if self.model.overflowed(&code_of(*voucher)) => {}
            Step::Void { voucher } => {
                let code = code_of(*voucher);
                assert_eq!(self.second.void(std::slice::from_ref(&code)).await.unwrap(), [self.model.void(&code)]);
            }
            Step::Set { pool, paused, total, per_customer, per_day, fallback } => {
                let settings = &mut self.model.settings[*pool];
                settings.paused = *paused;
                let per_period = per_day.map(|vouchers| PeriodLimit { vouchers, period: Period::Day });
                settings.limits =
                    Limits { total: *total, per_customer: *per_customer, per_period, ..Limits::default() };
                settings.fallback = fallback.then(|| code(FALLBACK));
                self.world.set(POOLS[*pool], settings.clone()).await;
            }
        }
    }

    async fn reserve(&mut self, sender: usize, wishes: &[Wish], second: bool) {
        let (first, behind): (Vec<_>, Vec<_>) =
            wishes.iter().map(Wish::claim).partition(|claim| index(&claim.pool) == 1);
        // A store may ask pools side by side, and one of them overflows into the other: where somebody goes without, they
        // are asked one after the other.
        if !first.is_empty() && !behind.is_empty() && self.model.stock[1].len() < wishes.len() {
            self.claim(sender, first, second).await;
            self.claim(sender, behind, second).await;
        } else {
            self.claim(sender, [first, behind].concat(), second).await;
        }
    }

    async fn claim(&mut self, sender: usize, claims: Vec<Claim>, second: bool) {
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
        let refused = kept.iter().zip(&answers).filter(|(_, answer)| **answer == Settled::Refused);
        let committed = self.committed(refused.map(|(kept, _)| kept)).await;
        assert_eq!(answers, self.model.settle(lease.id, &kept, &committed));
    }

    /// What the store has assigned of messages that show codes of several pools.
    async fn committed(&self, kept: impl Iterator<Item = &Kept>) -> HashSet<(usize, String)> {
        let mut committed = HashSet::new();
        for kept in kept.filter(|kept| kept.shown.iter().any(|shown| shown.pool != kept.shown[0].pool)) {
            for claim in self.claims.iter().filter(|claim| claim.message == kept.message) {
                let found = self.second.bindings(std::slice::from_ref(claim)).await.unwrap().remove(0);
                let Some(found) = found.filter(|found| !found.reserved) else { continue };
                // Another message of the call may have assigned it.
                let record = self.second.voucher(&found.voucher.code).await.unwrap();
                if record.is_none_or(|record| record.message_id.as_ref() == Some(&kept.message.message_id)) {
                    committed.insert((index(&claim.pool), claim.key().unwrap().as_str().to_owned()));
                }
            }
        }
        committed
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

    async fn redeem(&mut self, voucher: Which, event: usize, wrong_holder: bool, passes: bool) {
        let code = code_of(voucher);
        let holder = if wrong_holder { CustomerId::new("somebody").ok() } else { self.model.holder(&code) };
        let wish = Redemption { holder, passes, event_id: event_id(event), ..redemption(&code, "e") };
        let answer = self.world.store.redeem(std::slice::from_ref(&wish)).await.unwrap();
        assert_eq!(answer, [self.model.redeem(&wish)]);
        let asked = [(wish.code.clone(), wish.event_id.clone())];
        let told = self.second.redemptions(&asked).await.unwrap()[0];
        let is_remembered = !matches!(answer[0], RedemptionResult::Unknown | RedemptionResult::Moved);
        assert_eq!(told, is_remembered.then_some(answer[0]));
    }

    /// Whether the journals tell how the vouchers got into the states in which they are, and the kept numbers are right.
    async fn compare_journals(&self) {
        for name in POOLS {
            let mut told = HashMap::new();
            for entry in self.second.journal(&pool(name), None, 1000).await.unwrap() {
                told.extend(entry.codes.into_iter().map(|code| (code, entry.change)));
            }
            for record in self.world.listing(name).await {
                let last = told.get(&record.code);
                let is_told = match record.state {
                    State::Assigned => matches!(last, Some(Change::Assigned | Change::RolledBack)),
                    State::Redeemed => matches!(last, Some(Change::Redeemed)),
                    State::Void => matches!(last, Some(Change::Voided)),
                    _ => matches!(last, None | Some(Change::Released)),
                };
                assert!(is_told, "{:?} after {last:?}", record.state);
            }
            assert!(self.world.is_sound(name).await);
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
            let listed =
                [State::Available, State::Reserved, State::Assigned, State::Redeemed, State::Void].map(in_state);
            assert_eq!(listed, [counts.available, counts.reserved, counts.assigned, counts.redeemed, counts.void]);
            let codes: BTreeSet<_> = listing.into_iter().map(|record| record.code).collect();
            assert_eq!(codes, self.model.imported[n]);
        }
    }
}

fn code_of((pool, n): Which) -> Code {
    code(&format!("{}-{n}", POOLS[pool]))
}

fn event_id(n: usize) -> EventId {
    EventId::new(format!("e{n}")).unwrap()
}

impl Wish {
    fn claim(&self) -> Claim {
        let customer = (self.message + usize::from(self.wrong_customer)) % 3;
        let (id, customer) = (format!("m{}", self.message), format!("c{customer}"));
        let message = if self.test { test_message(&id, &customer) } else { message(&id, &customer) };
        claim(POOLS[self.pool], &message, WIDTHS[self.width])
    }
}
