//! Messages that come one by one: they share calls to the store, and each goes through to its end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tearoff::campaign::{Gatherer, Outcome, Personalizer, Reason, Status};
use tearoff::render::Message;
use tearoff::store::SqliteStore;
use tearoff::voucher::{Claim, Claimed, Claims, Count, Kept, Lease, MessageId, PoolName, Settled};
use tearoff::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::shop::*;

const CODE: &str = "{{ vouchers.p.assign_available() }}";

/// A store that counts its calls, and can be made to wait, to fail, or to panic.
struct Counting {
    store: Arc<SqliteStore>,
    calls: AtomicUsize,
    /// Each call needs a permit.
    gate: Semaphore,
    fails: AtomicBool,
    panics: AtomicBool,
}

impl Counting {
    fn new(shop: &Shop) -> Arc<Counting> {
        let (fails, panics) = (AtomicBool::new(false), AtomicBool::new(false));
        let (calls, gate) = (AtomicUsize::new(0), Semaphore::new(Semaphore::MAX_PERMITS));
        Arc::new(Counting { store: shop.store.clone(), calls, gate, fails, panics })
    }

    /// Shuts the gate.
    fn shut(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    async fn call(&self) -> Result<()> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.acquire().await.unwrap());
        assert!(!self.panics.load(Ordering::SeqCst), "the store panics");
        match self.fails.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::StoreUnavailable, "the store is away")),
            false => Ok(()),
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Claims for Counting {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        self.call().await?;
        self.store.reserve(lease, claims).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        self.call().await?;
        let ids: HashSet<_> = kept.iter().map(|kept| &kept.message.message_id).collect();
        assert_eq!(ids.len(), kept.len(), "a message id is named twice");
        self.store.settle(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.call().await?;
        self.store.counts(pools).await
    }
}

fn gatherer(shop: &Shop, claims: &Arc<Counting>, template: &str) -> Gatherer {
    let (template, claims) = (Arc::new(sms(template)), Arc::clone(claims));
    let personalizer = Personalizer::new(template, claims, shop.store.clone(), shop.threads.clone());
    Gatherer::new(personalizer, Handle::current())
}

/// Asks for a message, and does not wait for it.
fn ask(gatherer: &Gatherer, message: Message) -> JoinHandle<Result<Outcome>> {
    let gatherer = gatherer.clone();
    tokio::spawn(async move { gatherer.personalize(message).await })
}

/// Asks for messages at the same time.
async fn at_once(gatherer: &Gatherer, messages: Vec<Message>) -> Vec<Result<Outcome>> {
    let asked: Vec<_> = messages.into_iter().map(|message| ask(gatherer, message)).collect();
    let mut outcomes = Vec::new();
    for asked in asked {
        outcomes.push(asked.await.unwrap());
    }
    outcomes
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(what);
}

#[tokio::test]
async fn messages_that_come_while_the_store_is_busy_share_its_next_calls() {
    let shop = Shop::with(&[("p", 100)]).await;
    let claims = Counting::new(&shop);
    let gatherer = gatherer(&shop, &claims, CODE);
    let first = gatherer.personalize(message("alone")).await.unwrap();
    assert_eq!((first.status(), claims.calls()), (Status::Rendered, 2), "one to reserve, one to settle");

    claims.shut();
    let asked: Vec<_> = many(64).iter().map(|id| ask(&gatherer, message(id))).collect();
    until("the first ones are at the store", async || claims.calls() > 2).await;
    claims.open();
    let mut texts = HashSet::new();
    for asked in asked {
        texts.insert(text(&asked.await.unwrap().unwrap()).to_owned());
    }
    assert_eq!(texts.len(), 64);
    assert!(claims.calls() <= 2 + 3 * 4, "{} calls for 65 messages", claims.calls());
    assert_eq!(shop.counts("p").await.assigned, 65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_asked_for_many_times_at_once_has_one_code() {
    let shop = Shop::with(&[("p", 100)]).await;
    let gatherer = gatherer(&shop, &Counting::new(&shop), CODE);
    for round in ["a", "b", "c"] {
        let outcomes = at_once(&gatherer, vec![message(round); 8]).await;
        let texts: HashSet<_> = outcomes.iter().map(|outcome| text(outcome.as_ref().unwrap())).collect();
        assert_eq!(texts.len(), 1);
    }
    let counts = shop.counts("p").await;
    assert_eq!((counts.assigned, counts.reserved), (3, 0));
}

/// The second of two that arrive together begins when the first has ended, though nobody comes after it who would have it begin.
#[tokio::test]
async fn the_second_of_two_with_one_id_comes_after_the_first_and_waits_for_nobody_else() {
    let shop = Shop::with(&[("p", 10)]).await;
    let claims = Counting::new(&shop);
    let gatherer = gatherer(&shop, &claims, CODE);
    claims.shut();
    let (first, second) = (ask(&gatherer, message("c1")), ask(&gatherer, message("c1")));
    until("the first is at the store", async || claims.calls() > 0).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!((claims.calls(), gatherer.waiting()), (1, 1), "the second stands in line");
    claims.open();
    let both = async { (first.await.unwrap().unwrap(), second.await.unwrap().unwrap()) };
    let (first, second) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("both have an answer");
    assert_eq!(text(&first), text(&second));
    assert_eq!((shop.counts("p").await.assigned, gatherer.waiting()), (1, 0));
}

#[tokio::test]
async fn a_message_that_nobody_waits_for_any_more_goes_through_to_its_end() {
    let shop = Shop::with(&[("p", 10)]).await;
    let claims = Counting::new(&shop);
    let gatherer = gatherer(&shop, &claims, CODE);
    claims.shut();
    for id in many(5) {
        let asked = gatherer.personalize(message(&id));
        assert!(tokio::time::timeout(Duration::from_millis(10), asked).await.is_err(), "the store waits");
    }
    claims.open();
    until("all are settled", async || {
        let counts = shop.counts("p").await;
        (counts.assigned, counts.reserved) == (5, 0)
    })
    .await;
}

#[tokio::test]
async fn an_unreachable_store_is_told_to_everybody_and_the_next_ones_go_through() {
    let shop = Shop::with(&[("p", 100)]).await;
    let claims = Counting::new(&shop);
    let gatherer = gatherer(&shop, &claims, CODE);
    let ids = many(20);
    let messages = || ids.iter().map(|id| message(id)).collect();
    for trouble in [&claims.fails, &claims.panics] {
        trouble.store(true, Ordering::SeqCst);
        let outcomes = at_once(&gatherer, messages()).await;
        assert!(outcomes.iter().all(Result::is_err));
        trouble.store(false, Ordering::SeqCst);
    }
    let outcomes = at_once(&gatherer, messages()).await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap().status() == Status::Rendered));
    assert_eq!(gatherer.waiting(), 0);
}

#[tokio::test]
async fn who_waits_for_another_sender_does_not_keep_those_who_come_later() {
    let shop = Shop::with(&[("p", 1), ("q", 10)]).await;
    let lease = hold(&shop, "other", Duration::from_secs(60)).await;
    let template = "{% if customer.id == 'late' %}{{ vouchers.p.assign_available() }}{% else %}{{ vouchers.q.assign_available() }}{% endif %}";
    let gatherer = gatherer(&shop, &Counting::new(&shop), template);
    let (late, again) = (ask(&gatherer, message("late")), ask(&gatherer, message("late")));
    for id in many(6) {
        assert_eq!(gatherer.personalize(message(&id)).await.unwrap().status(), Status::Rendered);
    }
    assert!(!late.is_finished());
    shop.store.settle(&lease, &[]).await.unwrap();
    let (late, again) = (late.await.unwrap().unwrap(), again.await.unwrap().unwrap());
    assert_eq!(text(&late), text(&again));
}

#[tokio::test]
async fn an_id_of_another_customer_waits_its_turn_and_is_told() {
    let shop = Shop::with(&[("p", 10)]).await;
    let gatherer = gatherer(&shop, &Counting::new(&shop), CODE);
    let of = |customer: &str| {
        let Message { customer, campaign, context, channel, purpose, .. } = message(customer);
        Message::new(Some(MessageId::new("m").unwrap()), (channel, purpose), customer, campaign, context).unwrap()
    };
    let outcomes = at_once(&gatherer, vec![of("c1"), of("c2"), of("c1")]).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(text(&outcomes[0]), text(&outcomes[2]));
    assert_eq!(reason(&outcomes[1]), Reason::MessageConflict);
}
