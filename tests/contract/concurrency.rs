//! Many at once.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tearoff::voucher::*;
use tokio::task::JoinSet;

use crate::fixture::Fixture;
use crate::world::*;

/// What one sender does with one message: reserves, then settles. Says the code that it may deliver.
async fn deliver(store: Arc<dyn Store>, lease: Lease, claim: Claim) -> Result<Code, Claimed> {
    let answer = store.reserve(&lease, std::slice::from_ref(&claim)).await.unwrap().remove(0);
    let Claimed::Bound(binding) = answer else { return Err(answer) };
    let settled = store.settle(&lease, &[kept(&[(&claim, &binding)])]).await.unwrap();
    assert_eq!(settled, [Settled::Accepted]);
    Ok(binding.voucher.code)
}

/// 64 senders, 1,000 codes, 1,500 messages: a thousand get a code each, all different; none is lost, none given twice.
pub(crate) async fn many_senders_share_a_pool_without_sharing_a_code<F: Fixture>() {
    let world = World::<F>::with_codes(1000).await;
    let mut senders = JoinSet::new();
    for sender in 0..64 {
        let (store, lease) = (world.store.clone(), world.lease());
        senders.spawn(async move {
            let mut codes = Vec::new();
            for n in (sender..1500).step_by(64) {
                match deliver(store.clone(), Lease::new(lease.time), one(n)).await {
                    Ok(code) => codes.push(code),
                    Err(answer) => assert!(is_empty(&answer), "{answer:?}"),
                }
            }
            codes
        });
    }
    let codes: Vec<_> = senders.join_all().await.into_iter().flatten().collect();
    assert_eq!((codes.len(), codes.iter().collect::<HashSet<_>>().len()), (1000, 1000));
    let counts = world.counts("spring").await;
    assert_eq!((counts.total, counts.assigned, counts.available, counts.reserved), (1000, 1000, 0, 0));
}

fn is_empty(answer: &Claimed) -> bool {
    matches!(answer, Claimed::Refused(Refusal::PoolEmpty) | Claimed::Contended(Refusal::PoolEmpty))
}

/// Eight workers send the same message at the same time: whoever delivers, it shows one code.
pub(crate) async fn one_message_sent_by_many_at_once_gets_one_code<F: Fixture>() {
    let world = World::<F>::with_codes(100).await;
    for n in 0..20 {
        let mut workers = JoinSet::new();
        for _ in 0..8 {
            workers.spawn(deliver(world.store.clone(), world.lease(), one(n)));
        }
        let codes: HashSet<_> = workers.join_all().await.into_iter().map(Result::unwrap).collect();
        assert_eq!(codes.len(), 1);
    }
    assert_eq!(world.counts("spring").await.assigned, 20);
}

/// Codes come in while others go out, and the same codes from two sides at once.
pub(crate) async fn imports_and_claims_go_together<F: Fixture>() {
    let world = Arc::new(World::<F>::with_codes(0).await);
    let mut importers = JoinSet::new();
    for importer in 0..4 {
        let world = world.clone();
        importers.spawn(async move {
            let mut added = 0;
            for batch in 0..10 {
                let codes = numbered(&format!("I{}-{batch}", importer / 2), 50);
                added += world.import("spring", &codes).await.iter().filter(|it| **it == Imported::Added).count();
            }
            added
        });
    }
    let mut senders = JoinSet::new();
    for sender in 0..8 {
        let world = world.clone();
        senders.spawn(async move {
            let mut codes = Vec::new();
            for n in (sender..400).step_by(8) {
                codes.push(claim_until_there_is_one(&world, n).await);
            }
            codes
        });
    }
    assert_eq!(importers.join_all().await.into_iter().sum::<usize>(), 1000);
    let codes: HashSet<_> = senders.join_all().await.into_iter().flatten().collect();
    assert_eq!(codes.len(), 400);
    let counts = world.counts("spring").await;
    assert_eq!((counts.total, counts.available, counts.assigned), (1000, 600, 400));
}

async fn claim_until_there_is_one<F: Fixture>(world: &World<F>, n: usize) -> Code {
    loop {
        match deliver(world.store.clone(), world.lease(), one(n)).await {
            Ok(code) => return code,
            Err(answer) => assert!(is_empty(&answer), "{answer:?}"),
        }
        tokio::task::yield_now().await;
    }
}

/// Two processes send from the same data, some messages both of them.
pub(crate) async fn two_stores_on_the_same_data_never_give_a_code_twice<F: Fixture>() {
    let world = World::<F>::with_codes(300).await;
    let stores = [world.store.clone(), world.fixture.another().await];
    let mut senders = JoinSet::new();
    for (side, store) in stores.into_iter().enumerate() {
        for sender in 0..4 {
            let (store, time) = (store.clone(), F::LEASE);
            senders.spawn(async move {
                let mut shown = Vec::new();
                // Of the 200 messages of each side, 100 are the same.
                for n in (side * 100 + sender..side * 100 + 200).step_by(4) {
                    shown.push((n, deliver(store.clone(), Lease::new(time), one(n)).await.unwrap()));
                }
                shown
            });
        }
    }
    let mut by_message = HashMap::new();
    for (n, code) in senders.join_all().await.into_iter().flatten() {
        assert_eq!(by_message.entry(n).or_insert_with(|| code.clone()), &code);
    }
    assert_eq!(by_message.values().collect::<HashSet<_>>().len(), 300);
    assert_eq!(world.counts("spring").await.assigned, 300);
}

/// A caller who goes away in the middle of a call loses no code: what the call did goes back with its lease.
pub(crate) async fn a_dropped_call_loses_no_code<F: Fixture>() {
    let world = World::<F>::with_codes(50).await;
    for n in 0..50 {
        let (lease, claims) = (world.lease(), [one(n)]);
        let mut call = pin!(world.store.reserve(&lease, &claims));
        let started = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(started, Poll::Pending | Poll::Ready(Ok(_))));
    }
    // Whatever those calls still do, they do before this one.
    world.store.reserve(&world.lease(), &[]).await.unwrap();
    world.outlast_leases().await;
    let claims: Vec<_> = (100..150).map(one).collect();
    let answers = world.store.reserve(&world.lease(), &claims).await.unwrap();
    assert_eq!(answers.into_iter().map(|answer| bound(answer).voucher.code).collect::<HashSet<_>>().len(), 50);
}

/// A call that fails undoes itself and nothing of those that run beside it.
pub(crate) async fn a_failing_call_touches_no_other<F: Fixture>() {
    let world = World::<F>::with_codes(200).await;
    world.take(&world.lease(), &one(1000)).await;
    world.outlast_leases().await;
    let mut calls = JoinSet::new();
    for n in 0..100 {
        let store = world.store.clone();
        calls.spawn(async move {
            let unknown = MessageId::new(format!("unknown{n}")).unwrap();
            assert!(store.release_message(&unknown).await.is_err());
        });
        let store = world.store.clone();
        calls
            .spawn(async move { assert!(store.create_pool(&pool("spring"), &PoolSettings::default()).await.is_err()) });
        let (store, lease) = (world.store.clone(), world.lease());
        calls.spawn(async move {
            deliver(store, lease, one(n)).await.unwrap();
        });
    }
    calls.join_all().await;
    let expected = PoolCounts { total: 200, available: 100, assigned: 100, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    assert!(world.store.examine().await.unwrap().iter().all(|finding| finding.ok));
}

/// A pool begins small. Codes come in by and by while four processes send, and every message is found again by its key, its
/// code and its customer.
pub(crate) async fn a_pool_grows_under_those_who_use_it<F: Fixture>() {
    const MESSAGES: usize = 2_000;
    let world = World::<F>::with_codes(20).await;
    let mut senders = JoinSet::new();
    for process in 0..4 {
        let store = world.fixture.another().await;
        for sender in [process, process + 4] {
            senders.spawn(deliver_all(store.clone(), F::LEASE, (sender..MESSAGES).step_by(8).collect()));
        }
    }
    for codes in numbered("G", MESSAGES).chunks(100) {
        world.import("spring", codes).await;
    }
    let shown: HashMap<usize, Code> = senders.join_all().await.into_iter().flatten().collect();
    assert_eq!(shown.values().collect::<HashSet<_>>().len(), MESSAGES);
    let counts = world.counts("spring").await;
    assert_eq!((counts.total, counts.assigned, counts.available), (MESSAGES as u64 + 20, MESSAGES as u64, 20));
    let other = world.fixture.another().await;
    let claims: Vec<_> = (0..MESSAGES).map(one).collect();
    let customers: Vec<_> = claims.iter().map(|claim| claim.message.customer_id.clone()).collect();
    let bindings = other.bindings(&claims).await.unwrap();
    world.pool("spare", PoolSettings::default()).await;
    let foreign = |n| claim("spare", &message(&format!("m{n}"), "eve"), Width::Message);
    let foreign: Vec<_> = (0..MESSAGES).map(foreign).collect();
    let answers = other.reserve(&world.lease(), &foreign).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Claimed::Rejected(Rejection::Conflict)));
    let histories = other.customers(&customers).await.unwrap();
    for (n, (binding, history)) in bindings.into_iter().zip(histories).enumerate() {
        assert_eq!(binding.expect("a binding").voucher.code, shown[&n]);
        assert_eq!(history.into_iter().map(|record| record.code).collect::<Vec<_>>(), [shown[&n].clone()]);
        let record = other.voucher(&shown[&n]).await.unwrap().expect("a record");
        assert_eq!(record.customer_id.as_ref(), Some(&customers[n]));
    }
}

/// Delivers the messages of these numbers, 20 at a time, as soon as there are codes for them.
async fn deliver_all(store: Arc<dyn Store>, lease_time: Duration, mut open: Vec<usize>) -> Vec<(usize, Code)> {
    let mut shown = Vec::new();
    while !open.is_empty() {
        let lease = Lease::new(lease_time);
        let claims: Vec<_> = open.iter().take(20).map(|n| one(*n)).collect();
        let answers = store.reserve(&lease, &claims).await.unwrap();
        let served = open.iter().zip(&claims).zip(answers).filter_map(|((n, claim), answer)| match answer {
            Claimed::Bound(binding) => Some((*n, claim, binding)),
            _ => None,
        });
        let bindings: Vec<_> = served.collect();
        let kept: Vec<_> = bindings.iter().map(|(_, claim, binding)| kept(&[(claim, binding)])).collect();
        assert!(store.settle(&lease, &kept).await.unwrap().iter().all(|settled| *settled == Settled::Accepted));
        shown.extend(bindings.into_iter().map(|(n, _, binding)| (n, binding.voucher.code)));
        open.retain(|n| !shown.iter().rev().take(20).any(|(served, _)| served == n));
    }
    shown
}

/// 64 purchases with one code at once, half of them told twice, from two processes: exactly one has it.
pub(crate) async fn one_of_many_uses_a_code<F: Fixture>() {
    let world = World::<F>::with_codes(8).await;
    let stores = [world.store.clone(), world.fixture.another().await];
    for n in 0..4 {
        let code = world.send(&one(n)).await.voucher.code;
        let mut tills = JoinSet::new();
        for till in 0..64 {
            let store = stores[till % 2].clone();
            let holder = CustomerId::new(format!("c{n}")).ok();
            let wish = Redemption { holder, ..redemption(&code, &format!("order-{}", till / 2 + till % 4 / 2 * 32)) };
            tills.spawn(async move { (wish.event_id.clone(), store.redeem(&[wish]).await.unwrap().remove(0)) });
        }
        let answers = tills.join_all().await;
        let winners: HashSet<_> = answers
            .iter()
            .filter(|(_, result)| *result == RedemptionResult::Redeemed)
            .map(|(event, _)| event.clone())
            .collect();
        assert_eq!(winners.len(), 1);
        let is_right = |(event, result): &(EventId, RedemptionResult)| match winners.contains(event) {
            true => *result == RedemptionResult::Redeemed,
            false => *result == RedemptionResult::AlreadyRedeemed,
        };
        assert!(answers.iter().all(is_right));
    }
    assert_eq!(world.counts("spring").await.redeemed, 4);
}

/// Vouchers are used and ended at once: each ends as one of both, and everybody is told which.
pub(crate) async fn a_code_is_used_or_ended<F: Fixture>() {
    let world = World::<F>::with_codes(40).await;
    let other = world.fixture.another().await;
    for n in 0..40 {
        let code = world.send(&one(n)).await.voucher.code;
        let wish = [Redemption { holder: CustomerId::new(format!("c{n}")).ok(), ..redemption(&code, "e") }];
        let codes = [code.clone()];
        let (used, ended) = tokio::join!(world.store.redeem(&wish), other.void(&codes));
        let state = match (used.unwrap()[0], ended.unwrap()[0]) {
            (RedemptionResult::Redeemed, Voided::Redeemed) => State::Redeemed,
            (RedemptionResult::Void, Voided::Voided) => State::Void,
            answers => panic!("{answers:?}"),
        };
        assert_eq!(world.record(&code).await.state, state);
    }
    assert!(world.is_sound("spring").await);
}
