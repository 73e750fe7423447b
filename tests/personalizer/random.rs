//! A random mix of rendering, retries, crashes, releases and imports, held against a model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use tearoff::campaign::{Outcome, Reason};
use tearoff::voucher::{Desk, MessageId};

use super::shop::*;

/// One and the same template for all: what a customer needs follows from the last digit of their id.
const TEMPLATE: &str = "\
    {% set d = customer.id|last|int %}\
    {% if d is divisibleby 2 %}{{ vouchers.a.assign_available() }} {% endif %}\
    {% if d is divisibleby 3 %}{{ vouchers.b.assign_available(cached=false) }} {{ vouchers.b.assign_available(cached=false) }} {% endif %}\
    {% if d == 5 or d == 7 %}$cst.a.coupon$ {% endif %}\
    {% if d == 6 %}{{ vouchers.a.assign_available(per='campaign') }}{% endif %}\
    {% if d == 8 %}{{ abort() }}{% endif %}";

#[derive(Debug, Clone)]
enum Step {
    /// Render these customers' messages.
    Send(BTreeSet<u8>),
    /// Render them, and die after so many milliseconds.
    Crash(BTreeSet<u8>, u64),
    /// Two senders render overlapping batches at the same time.
    Race(BTreeSet<u8>, BTreeSet<u8>),
    Release(u8),
    Import(bool, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let customers = || prop::collection::btree_set(0u8..40, 1..12);
    prop_oneof![
        4 => customers().prop_map(Step::Send),
        2 => (customers(), 0u64..4).prop_map(|(customers, time)| Step::Crash(customers, time)),
        2 => (customers(), customers()).prop_map(|(one, other)| Step::Race(one, other)),
        1 => (0u8..40).prop_map(Step::Release),
        2 => (any::<bool>(), 1u8..10).prop_map(|(first, count)| Step::Import(first, count)),
    ]
}

/// What the outside world knows.
#[derive(Default)]
struct World {
    /// The codes that each message showed when it was delivered.
    delivered: BTreeMap<String, Vec<String>>,
    /// Who has seen a code and may use it.
    owners: BTreeMap<String, String>,
    released: BTreeSet<String>,
    imported: [usize; 2],
}

impl World {
    fn see(&mut self, outcome: &Outcome) {
        let customer = outcome.customer_id.as_ref().unwrap().as_str().to_owned();
        match &outcome.result {
            Ok(message) => {
                let codes: Vec<String> =
                    message.vouchers.iter().map(|used| used.binding.voucher.code.as_str().to_owned()).collect();
                assert!(!self.released.contains(&customer) || codes.is_empty(), "a released message was delivered");
                for code in &codes {
                    let owner = self.owners.entry(code.clone()).or_insert_with(|| customer.clone());
                    assert_eq!(*owner, customer, "a code with two customers");
                }
                let before = self.delivered.entry(customer).or_insert_with(|| codes.clone());
                assert_eq!(*before, codes, "another code on a retry");
            }
            Err(shortfall) => {
                let expected = [Reason::PoolEmpty, Reason::Aborted, Reason::MessageReleased];
                assert!(expected.contains(&shortfall.reason), "{shortfall:?}");
                let delivered = self.delivered.contains_key(&customer) && !self.released.contains(&customer);
                assert!(!delivered, "what was delivered once can be delivered again");
            }
        }
    }

    /// The message's own codes are nobody's any more; those under wider keys stay.
    fn release(&mut self, customer: &str) {
        let own = customer.ends_with(['0', '2', '3', '4', '6', '8', '9']);
        self.delivered.remove(customer);
        self.released.insert(customer.to_owned());
        if own {
            self.owners.retain(|_, owner| owner != customer);
        }
    }
}

async fn play(steps: Vec<Step>) {
    let shop = Shop::with(&[("a", 6), ("b", 6)]).await;
    let mut world = World { imported: [6, 6], ..World::default() };
    let personalizer = shop.personalizer(sms(TEMPLATE)).with_lease_time(Duration::from_millis(400));
    let messages = |customers: &BTreeSet<u8>| customers.iter().map(|id| message(&format!("c{id}"))).collect::<Vec<_>>();
    for step in steps {
        match step {
            Step::Send(customers) => {
                let outcomes = personalizer.personalize(messages(&customers)).await.unwrap();
                outcomes.iter().for_each(|outcome| world.see(outcome));
            }
            Step::Crash(customers, time) => {
                let sending = personalizer.personalize(messages(&customers));
                if let Ok(outcomes) = tokio::time::timeout(Duration::from_millis(time), sending).await {
                    outcomes.unwrap().iter().for_each(|outcome| world.see(outcome));
                }
            }
            Step::Race(one, other) => {
                let (one, other) =
                    (personalizer.personalize(messages(&one)), personalizer.personalize(messages(&other)));
                for outcomes in <[_; 2]>::from(tokio::join!(one, other)) {
                    match outcomes {
                        Ok(outcomes) => outcomes.iter().for_each(|outcome| world.see(outcome)),
                        Err(error) => assert!(error.is_retryable(), "{error}"),
                    }
                }
            }
            Step::Release(id) => {
                let customer = format!("c{id}");
                let id = MessageId::new(format!("spring/{customer}")).unwrap();
                if shop.store.release_message(&id).await.is_ok() {
                    world.release(&customer);
                }
            }
            Step::Import(first, count) => {
                let (pool, imported) =
                    if first { ("a", &mut world.imported[0]) } else { ("b", &mut world.imported[1]) };
                shop.import(pool, *imported..*imported + count as usize).await;
                *imported += count as usize;
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(450)).await;
    shop.send("{{ vouchers.a.assign_available(per='customer') }}", &["the last one, who sweeps"]).await;
    for (pool, imported) in ["a", "b"].into_iter().zip(world.imported) {
        let counts = shop.counts(pool).await;
        assert_eq!(counts.reserved, 0, "something stays reserved");
        assert_eq!(counts.total as usize, imported);
        assert_eq!(counts.available + counts.assigned, counts.total);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_code_is_given_twice_and_none_is_lost(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
