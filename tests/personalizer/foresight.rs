//! What is reserved on a guess saves calls, and is felt by nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use proptest::prelude::*;
use tearoff::Result;
use tearoff::campaign::{Outcome, Personalizer, Pipeline, Reason};
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    Claim, Claimed, Claims, Code, Count, Kept, Lease, Limits, PoolCounts, PoolName, PoolSettings, Settled, Stock,
};

use super::shop::*;

/// A store that counts what it is asked.
struct Counting {
    store: Arc<SqliteStore>,
    calls: AtomicUsize,
    claims: AtomicUsize,
}

#[async_trait]
impl Claims for Counting {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.claims.fetch_add(claims.len(), Ordering::Relaxed);
        self.store.reserve(lease, claims).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        self.store.settle(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.store.counts(pools).await
    }
}

impl Counting {
    /// How many calls and claims there were since it was last asked.
    fn asked(&self) -> (usize, usize) {
        (self.calls.swap(0, Ordering::Relaxed), self.claims.swap(0, Ordering::Relaxed))
    }
}

fn counting(shop: &Shop, template: &str) -> (Arc<Counting>, Personalizer) {
    let counting =
        Arc::new(Counting { store: shop.store.clone(), calls: AtomicUsize::new(0), claims: AtomicUsize::new(0) });
    let template = Arc::new(sms(template));
    let personalizer = Personalizer::new(template, counting.clone(), shop.store.clone(), shop.threads.clone());
    (counting, personalizer)
}

async fn send(personalizer: &Personalizer, customers: std::ops::Range<usize>) -> Vec<Outcome> {
    let messages = customers.map(|number| message(&format!("c{number}"))).collect();
    personalizer.personalize(messages).await.unwrap()
}

const TWO: &str = "{{ vouchers.a.assign_available() }} {{ vouchers.b.assign_available(per='customer') }}";

#[tokio::test]
async fn what_those_before_it_claimed_is_reserved_in_one_call() {
    let shop = Shop::with(&[("a", 3000), ("b", 3000)]).await;
    let (store, personalizer) = counting(&shop, TWO);
    send(&personalizer, 0..20).await;
    assert_eq!(store.asked(), (2, 40), "one claim after the other");
    let outcomes = send(&personalizer, 20..40).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().is_ok_and(|message| message.vouchers.len() == 2)));
    assert_eq!(store.asked(), (1, 40), "both together");
    assert_eq!(shop.counts("a").await, PoolCounts { total: 3000, available: 2960, assigned: 40, ..Default::default() });
}

#[tokio::test]
async fn a_loop_of_claims_takes_few_calls_and_no_code_too_many() {
    let shop = Shop::with(&[("a", 1000)]).await;
    let loops = "{% for _ in range(6) %}{{ vouchers.a.assign_available(cached=false) }} {% endfor %}";
    let (store, personalizer) = counting(&shop, loops);
    send(&personalizer, 0..1).await;
    let (calls, claims) = store.asked();
    assert_eq!((calls, claims), (3, 7), "1, 2 and 3, 4 to 7");
    assert_eq!(shop.counts("a").await, PoolCounts { total: 1000, available: 994, assigned: 6, ..Default::default() });
}

#[tokio::test]
async fn what_no_message_shows_goes_back() {
    let shop = Shop::with(&[("a", 3000)]).await;
    let (store, personalizer) =
        counting(&shop, "{% if customer.id|length == 2 %}{{ vouchers.a.assign_available() }}{% endif %}");
    for customer in 0..10 {
        send(&personalizer, customer..customer + 1).await;
        send(&personalizer, customer..customer + 1).await;
    }
    store.asked();
    let outcomes = send(&personalizer, 10..20).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().is_ok_and(|message| message.vouchers.is_empty())));
    assert_eq!(store.asked().1, 10, "these were guessed wrongly");
    assert_eq!(shop.counts("a").await, PoolCounts { total: 3000, available: 2990, assigned: 10, ..Default::default() });
}

/// How many claims of a batch were made that no message showed, once the template is known.
async fn guessed_wrongly(shop: &Shop, template: &str) -> usize {
    let (store, personalizer) = counting(shop, template);
    for customer in 0..20 {
        send(&personalizer, customer..customer + 1).await;
    }
    store.asked();
    let outcomes = send(&personalizer, 200..204).await;
    let shown = outcomes.iter().map(|outcome| outcome.result.as_ref().map_or(0, |message| message.vouchers.len()));
    store.asked().1 - shown.sum::<usize>()
}

const SOME: &str = "{% if customer.id|length < 4 %}{{ vouchers.a.assign_available() }}{% endif %}";

#[tokio::test]
async fn nothing_is_guessed_where_it_could_be_felt() {
    assert_eq!(guessed_wrongly(&Shop::with(&[("a", 1000)]).await, SOME).await, 4, "there is plenty");
    assert_eq!(guessed_wrongly(&Shop::with(&[("a", 100)]).await, SOME).await, 0, "the pool is nearly empty");
    for limits in [
        Limits { per_customer: Some(9), ..Limits::default() },
        Limits { per_campaign: Some(900), ..Limits::default() },
        Limits { total: Some(900), ..Limits::default() },
    ] {
        let shop = Shop::with(&[("a", 1000)]).await;
        shop.store.set_pool(&name("a"), &PoolSettings { limits, ..PoolSettings::default() }).await.unwrap();
        assert_eq!(guessed_wrongly(&shop, SOME).await, 0, "a limit could be reached");
    }
    let counts = format!("{{{{ vouchers.a.count_available() }}}} {SOME}");
    assert_eq!(guessed_wrongly(&Shop::with(&[("a", 1000)]).await, &counts).await, 0, "the template counts");
}

#[tokio::test]
async fn who_counts_for_the_first_time_does_not_see_what_was_guessed() {
    let shop = Shop::with(&[("a", 1000)]).await;
    let template = "{% if customer.id == 'c30' %}{{ vouchers.a.count_available() }}{% else %}\
                    {{ vouchers.a.assign_available() }}{% endif %}";
    let (_, personalizer) = counting(&shop, template);
    send(&personalizer, 0..20).await;
    let outcomes = send(&personalizer, 30..34).await;
    assert_eq!(text(&outcomes[0]), "980");
}

/// A piece of a template; `d` is the customer's number.
fn piece() -> impl Strategy<Value = String> {
    let pool = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d")];
    let take = (
        pool.clone(),
        prop_oneof![
            3 => Just(""), 1 => Just("per='customer'"), 1 => Just("per='campaign'"), 2 => Just("cached=false")
        ],
    );
    let take = take.prop_map(|(pool, how)| format!("{{{{ vouchers.{pool}.assign_available({how}) }}}};"));
    let loops = (pool.clone(), 1u8..6).prop_map(|(pool, most)| {
        format!(
            "{{% for _ in range(d % {most}) %}}{{{{ vouchers.{pool}.assign_available(cached=false) }}}},{{% endfor %}}"
        )
    });
    let count = pool.prop_map(|pool| format!("{{{{ vouchers.{pool}.count_available() }}}};"));
    let ends = prop_oneof![Just("{{ abort() }}"), Just("{{ 1 // 0 }}"), Just("{{ customer.vouchers|length }}")];
    prop_oneof![8 => take, 3 => loops, 1 => count, 1 => ends.prop_map(str::to_owned)]
}

fn template() -> impl Strategy<Value = String> {
    let conditional = (piece(), 1u8..9, 0u8..9).prop_map(|(piece, of, less)| match less {
        0 => piece,
        less => format!("{{% if d % {of} < {less} %}}{piece}{{% endif %}}"),
    });
    let pieces = prop::collection::vec(conditional, 1..5);
    pieces.prop_map(|pieces| format!("{{% set d = customer.id[1:]|int %}}{}", pieces.concat()))
}

/// A shop whose pools have all that a pool may have: `b` flows over into `a`, `c` has a fallback code, `d` limits.
async fn varied(codes: [usize; 4]) -> Shop {
    let shop = Shop::with(&[("a", codes[0]), ("b", codes[1]), ("c", codes[2]), ("d", codes[3])]).await;
    let limits = Limits { per_customer: Some(2), per_campaign: Some(60), ..Limits::default() };
    let settings = [
        ("b", PoolSettings { overflow: Some(name("a")), ..PoolSettings::default() }),
        ("c", PoolSettings { fallback: Some(Code::new("FALLBACK").unwrap()), ..PoolSettings::default() }),
        ("d", PoolSettings { limits, ..PoolSettings::default() }),
    ];
    for (pool, settings) in settings {
        shop.store.set_pool(&name(pool), &settings).await.unwrap();
    }
    shop
}

/// What became of a message, whichever codes it was.
fn told(outcome: &Outcome) -> std::result::Result<String, Reason> {
    let message = outcome.result.as_ref().map_err(|shortfall| shortfall.reason)?;
    let mut text = message.parts[0].1.clone();
    for used in &message.vouchers {
        let from = format!("<{} of {:?} from {}>", used.pool, used.binding.source, used.binding.from);
        for end in [";", ","] {
            text = text.replace(&format!("{}{end}", used.binding.voucher.code.as_str()), &format!("{from}{end}"));
        }
    }
    Ok(text)
}

type Told = (Vec<std::result::Result<String, Reason>>, BTreeMap<&'static str, PoolCounts>);

async fn one_after_the_other(personalizer: &Personalizer, customers: &[u16], batch: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for batch in customers.chunks(batch) {
        let messages = batch.iter().map(|number| message(&format!("c{number}"))).collect();
        outcomes.extend(personalizer.personalize(messages).await.unwrap());
    }
    outcomes
}

async fn in_a_pipeline(personalizer: &Personalizer, customers: &[u16], batch: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut batches = customers.chunks(batch);
    let mut pipeline = Pipeline::new();
    loop {
        while !pipeline.is_full() {
            let Some(batch) = batches.next() else { break };
            pipeline.add(personalizer, batch.iter().map(|number| message(&format!("c{number}"))).collect(), ());
        }
        let Some(landed) = pipeline.next().await.unwrap() else { return outcomes };
        outcomes.extend(landed.outcomes);
    }
}

async fn outcomes(template: &str, codes: [usize; 4], customers: &[u16], batch: usize, how: &str) -> Told {
    let shop = varied(codes).await;
    let personalizer = shop.personalizer(sms(template));
    let outcomes = match how {
        "foresight" => one_after_the_other(&personalizer, customers, batch).await,
        "pipeline" => in_a_pipeline(&personalizer, customers, batch).await,
        _ => one_after_the_other(&personalizer.without_foresight(), customers, batch).await,
    };
    let mut counts = BTreeMap::new();
    for pool in ["a", "b", "c", "d"] {
        counts.insert(pool, shop.counts(pool).await);
    }
    (outcomes.iter().map(told).collect(), counts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_guess_changes_no_outcome(
        template in template(), codes in prop::array::uniform4(prop_oneof![0usize..60, 60usize..400]),
        customers in Just((0u16..150).collect::<Vec<_>>()).prop_shuffle(), batch in 1usize..5,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let run = |how| runtime.block_on(outcomes(&template, codes, &customers, batch, how));
        let expected = run("asked for one by one");
        prop_assert_eq!(&run("foresight"), &expected);
        // Batches that overlap see each other's reservations where they count, and where there is something else to be had.
        if !["count_available", "vouchers.b", "vouchers.c"].iter().any(|sees| template.contains(sees)) {
            prop_assert_eq!(&run("pipeline"), &expected);
        }
    }
}
