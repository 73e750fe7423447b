//! Using vouchers, taking a use back, and ending vouchers by hand.

use std::time::Duration;

use jiff::SignedDuration;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

fn by(customer: &str) -> Option<CustomerId> {
    CustomerId::new(customer).ok()
}

async fn limited<F: Fixture>(limits: Limits, valid_for: Option<Duration>) -> World<F> {
    let world = World::with_codes(9).await;
    world.set("spring", PoolSettings { limits, valid_for, ..PoolSettings::default() }).await;
    world
}

/// A voucher is used once; the event that used it hears the same again, others hear that it is used.
pub(crate) async fn a_voucher_is_used_once<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let code = world.send(&one(1)).await.voucher.code;
    world.send(&one(2)).await;
    assert_eq!(world.redeem(&code, "order-1").await, RedemptionResult::Redeemed);
    assert_eq!(world.redeem(&code, "order-1").await, RedemptionResult::Redeemed);
    assert_eq!(world.redeem(&code, "order-2").await, RedemptionResult::AlreadyRedeemed);
    assert_eq!(world.redeem(&code, "order-2").await, RedemptionResult::AlreadyRedeemed);
    let record = world.record(&code).await;
    assert_eq!((record.state, record.customer_id), (State::Redeemed, by("c1")));
    assert!(record.redeemed_at.is_some());
    let expected = PoolCounts { total: 3, available: 1, assigned: 1, redeemed: 1, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    assert!(world.is_sound("spring").await);
}

/// The codes of a call each get an answer, in their order; one code twice is used by the first.
pub(crate) async fn redemptions_stand_for_themselves<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    world.pool("autumn", PoolSettings::default()).await;
    world.import("autumn", &numbered("A", 1)).await;
    let (one, two) = (world.send(&one(1)).await.voucher.code, world.send(&one(2)).await.voucher.code);
    let autumn = world.send(&claim("autumn", &message("a", "ada"), Width::Message)).await.voucher.code;
    let wish = |code: &Code, event: &str, holder: &str| Redemption { holder: by(holder), ..redemption(code, event) };
    let wishes = [
        wish(&two, "e1", "c2"),
        redemption(&code("NONE"), "e1"),
        wish(&two, "e2", "c2"),
        wish(&autumn, "e1", "ada"),
        wish(&one, "e1", "c1"),
        wish(&two, "e1", "c2"),
    ];
    use RedemptionResult::{AlreadyRedeemed, Redeemed, Unknown};
    let expected = [Redeemed, Unknown, AlreadyRedeemed, Redeemed, Redeemed, Redeemed];
    for _ in 0..2 {
        assert_eq!(world.store.redeem(&wishes).await.unwrap(), expected);
    }
    assert_eq!((world.counts("spring").await.redeemed, world.counts("autumn").await.redeemed), (2, 1));
    assert_eq!(world.store.redeem(&[]).await.unwrap(), []);
}

/// What nobody was given cannot be used, whether it lies in the pool or a message is being made with it.
pub(crate) async fn what_nobody_was_given_is_not_used<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let lease = world.lease();
    let code = code("S-00000");
    assert_eq!(world.redeem(&code, "early").await, RedemptionResult::NotAssigned);
    let binding = world.take(&lease, &one(1)).await;
    assert_eq!(world.redeem(&code, "in between").await, RedemptionResult::NotAssigned);
    world.settle(&lease, &[kept(&[(&one(1), &binding)])]).await;
    assert_eq!(world.redeem(&code, "early").await, RedemptionResult::NotAssigned);
    assert_eq!(world.redeem(&code, "late").await, RedemptionResult::Redeemed);
    assert_eq!(world.redeem(&self::code("NONE"), "early").await, RedemptionResult::Unknown);
}

/// What is over cannot be used; what is used stays so when its time is over, and an event that is told late counts by its
/// own time.
pub(crate) async fn what_is_over_is_not_used<F: Fixture>() {
    let world = limited::<F>(Limits::default(), Some(Duration::from_secs(30))).await;
    let [used, late, over] =
        [world.send(&one(1)).await, world.send(&one(2)).await, world.send(&one(3)).await].map(|it| it.voucher.code);
    assert_eq!(world.redeem(&used, "e").await, RedemptionResult::Redeemed);
    world.import_until("spring", "SHORT", world.in_seconds(30)).await;
    let in_time = world.fixture.now();
    world.fixture.pass(Duration::from_secs(31)).await;
    assert_eq!(world.redeem(&over, "e").await, RedemptionResult::Expired);
    assert_eq!(world.redeem(&code("SHORT"), "e").await, RedemptionResult::Expired);
    let told_late = Redemption { at: Some(in_time), holder: by("c2"), ..redemption(&late, "e") };
    assert_eq!(world.store.redeem(&[told_late]).await.unwrap(), [RedemptionResult::Redeemed]);
    let record = world.record(&late).await;
    let millisecond = SignedDuration::from_millis(1);
    assert!(record.redeemed_at.is_some_and(|at| in_time.duration_since(at).abs() <= millisecond));
    assert_eq!(world.record(&used).await.state, State::Redeemed);
    assert!(same_code(&world.take(&world.lease(), &one(1)).await, &used));
    let counts = world.counts("spring").await;
    assert_eq!((counts.redeemed, counts.expired, counts.assigned), (2, 2, 0));
    assert!(world.is_sound("spring").await);
}

fn same_code(binding: &Binding, code: &Code) -> bool {
    binding.voucher.code == *code
}

/// Rules are judged for the one who held the voucher: for another one they are judged again. What does not pass is remembered.
pub(crate) async fn rules_decide_for_the_present_holder<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let code = world.send(&one(1)).await.voucher.code;
    let moved = Redemption { holder: by("c2"), ..redemption(&code, "e") };
    let unheld = redemption(&code, "e");
    let failing = Redemption { holder: by("c1"), passes: false, ..redemption(&code, "e") };
    let passing = Redemption { holder: by("c1"), ..redemption(&code, "e") };
    use RedemptionResult::{Moved, RuleFailed};
    for (wish, expected) in [(moved, Moved), (unheld, Moved), (failing, RuleFailed), (passing, RuleFailed)] {
        assert_eq!(world.store.redeem(&[wish]).await.unwrap(), [expected]);
    }
    assert_eq!(world.record(&code).await.state, State::Assigned);
    assert_eq!(world.redeem(&code, "other").await, RedemptionResult::Redeemed);
}

/// What events were told can be asked for, and asking does nothing.
pub(crate) async fn answers_are_remembered<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let code = world.send(&one(1)).await.voucher.code;
    let event = |id: &str| EventId::new(id).unwrap();
    world.redeem(&code, "first").await;
    world.redeem(&code, "second").await;
    world.redeem(&self::code("NONE"), "first").await;
    let asked = [
        (code.clone(), event("second")),
        (code.clone(), event("third")),
        (self::code("NONE"), event("first")),
        (code.clone(), event("first")),
    ];
    let expected = [Some(RedemptionResult::AlreadyRedeemed), None, None, Some(RedemptionResult::Redeemed)];
    assert_eq!(world.store.redemptions(&asked).await.unwrap(), expected);
    world.store.roll_back(&code, &event("first")).await.unwrap();
    let now = world.store.redemptions(&asked[3..]).await.unwrap();
    assert_eq!(now, [Some(RedemptionResult::AlreadyRedeemed)]);
}

/// A use is taken back once, by the event that used it: the voucher is its customer's as before, for another event.
pub(crate) async fn a_use_is_taken_back<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let code = world.send(&one(1)).await.voucher.code;
    let roll_back =
        async |code: &Code, event: &str| world.store.roll_back(code, &EventId::new(event).unwrap()).await.unwrap();
    assert_eq!(roll_back(&self::code("NONE"), "e1").await, RolledBack::Unknown);
    assert_eq!(roll_back(&code, "e1").await, RolledBack::NotRedeemed);
    world.redeem(&code, "e1").await;
    world.redeem(&code, "e2").await;
    assert_eq!(roll_back(&code, "e2").await, RolledBack::NotRedeemed);
    assert_eq!(roll_back(&code, "e1").await, RolledBack::RolledBack);
    assert_eq!(roll_back(&code, "e1").await, RolledBack::AlreadyRolledBack);
    let record = world.record(&code).await;
    assert_eq!((record.state, record.customer_id, record.redeemed_at), (State::Assigned, by("c1"), None));
    assert_eq!(world.redeem(&code, "e1").await, RedemptionResult::AlreadyRedeemed);
    assert_eq!(world.record(&code).await.state, State::Assigned);
    assert_eq!(world.redeem(&code, "e3").await, RedemptionResult::Redeemed);
    assert_eq!(roll_back(&code, "e1").await, RolledBack::AlreadyRolledBack);
    assert_eq!(world.counts("spring").await.redeemed, 1);
    assert!(world.is_sound("spring").await);
}

/// A use that is taken back when the voucher's time is over leaves it expired.
pub(crate) async fn a_use_taken_back_too_late_is_over<F: Fixture>() {
    let world = limited::<F>(Limits::default(), Some(Duration::from_secs(30))).await;
    let code = world.send(&one(1)).await.voucher.code;
    world.redeem(&code, "e").await;
    world.fixture.pass(Duration::from_secs(31)).await;
    assert_eq!(world.record(&code).await.state, State::Redeemed);
    let rolled_back = world.store.roll_back(&code, &EventId::new("e").unwrap()).await.unwrap();
    assert_eq!((rolled_back, world.record(&code).await.state), (RolledBack::RolledBack, State::Expired));
    assert!(!same_code(&world.take(&world.lease(), &one(1)).await, &code));
    let counts = world.counts("spring").await;
    assert_eq!((counts.expired, counts.redeemed, counts.reserved), (1, 0, 1));
}

/// A redeemed voucher is nobody else's again: a released message keeps it, and no reclaim brings it back.
pub(crate) async fn a_used_voucher_stays_with_its_customer<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let live = world.send(&one(1)).await.voucher.code;
    let test = world.send(&claim("spring", &test_message("t", "ada"), Width::Message)).await.voucher.code;
    for code in [&live, &test] {
        assert_eq!(world.redeem(code, "e").await, RedemptionResult::Redeemed);
    }
    let released = world.store.release_message(&MessageId::new("m1").unwrap()).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 0, kept: 1 });
    assert_eq!(world.store.reclaim_tests().await.unwrap(), 0);
    assert_eq!(world.counts("spring").await.redeemed, 2);
    assert_eq!(world.record(&live).await.state, State::Redeemed);
}

/// Any voucher that is not used can be ended: it is never given, used or released again.
pub(crate) async fn a_voucher_is_ended_by_hand<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let used = world.send(&one(1)).await.voucher.code;
    let assigned = world.send(&one(2)).await.voucher.code;
    let free = world.listing("spring").await.into_iter().find(|record| record.state == State::Available).unwrap().code;
    world.redeem(&used, "e").await;
    let codes = [free.clone(), code("NONE"), used.clone(), assigned.clone(), free.clone()];
    use Voided::{AlreadyVoid, Redeemed, Unknown};
    let answers = world.store.void(&codes).await.unwrap();
    assert_eq!(answers, [Voided::Voided, Unknown, Redeemed, Voided::Voided, AlreadyVoid]);
    assert_eq!(world.store.void(&codes[3..]).await.unwrap(), [AlreadyVoid, AlreadyVoid]);
    let expected = PoolCounts { total: 3, redeemed: 1, void: 2, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    assert_eq!(world.record(&free).await.state, State::Void);
    let record = world.record(&assigned).await;
    assert_eq!((record.state, record.customer_id), (State::Void, by("c2")));
    assert_eq!(world.redeem(&assigned, "e").await, RedemptionResult::Void);
    assert_eq!(world.redeem(&free, "e").await, RedemptionResult::Void);
    assert_eq!(world.reserve(&world.lease(), &one(3)).await, Claimed::Refused(Refusal::PoolEmpty));
    let released = world.store.release_message(&MessageId::new("m2").unwrap()).await.unwrap();
    assert_eq!((released.released, world.available("spring").await), (0, 0));
    assert_eq!(world.listing("spring").await.len(), 3);
    assert!(world.is_sound("spring").await);
}

/// A customer whose voucher was ended gets another under the same key.
pub(crate) async fn an_ended_voucher_is_replaced_under_its_key<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let claim = claim("spring", &message("m", "ada"), Width::Customer);
    let old = world.send(&claim).await.voucher.code;
    world.store.void(std::slice::from_ref(&old)).await.unwrap();
    assert_eq!(world.store.bindings(std::slice::from_ref(&claim)).await.unwrap(), [None]);
    let new = world.send(&claim).await.voucher.code;
    assert_ne!(old, new);
    let history = world.store.customers(&[by("ada").unwrap()]).await.unwrap().remove(0);
    let mut states: Vec<_> = history.into_iter().map(|record| (record.code, record.state)).collect();
    states.sort_by_key(|(code, _)| *code == new);
    assert_eq!(states, [(old, State::Void), (new, State::Assigned)]);
}

/// A voucher that is ended while its message is being made is refused to it, and does not go back.
pub(crate) async fn an_ended_voucher_is_refused_to_its_message<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let lease = world.lease();
    let binding = world.take(&lease, &one(1)).await;
    assert_eq!(world.store.void(std::slice::from_ref(&binding.voucher.code)).await.unwrap(), [Voided::Voided]);
    let counts = world.counts("spring").await;
    assert_eq!((counts.void, counts.reserved, counts.available), (1, 0, 1));
    assert_eq!(world.settle(&lease, &[kept(&[(&one(1), &binding)])]).await, [Settled::Refused]);
    let expected = PoolCounts { total: 2, available: 1, void: 1, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    assert_ne!(world.send(&one(1)).await.voucher.code, binding.voucher.code);
    assert!(world.is_sound("spring").await);
}

/// The same where the sender has died: its lease runs out, and the voucher stays ended.
pub(crate) async fn an_ended_voucher_does_not_go_back_with_its_lease<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let binding = world.take(&world.lease(), &one(1)).await;
    world.store.void(std::slice::from_ref(&binding.voucher.code)).await.unwrap();
    world.outlast_leases().await;
    let expected = PoolCounts { total: 1, void: 1, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    assert_eq!(world.reserve(&world.lease(), &one(2)).await, Claimed::Refused(Refusal::PoolEmpty));
    assert_eq!(world.counts("spring").await, expected);
    assert_eq!(world.record(&binding.voucher.code).await.state, State::Void);
}

/// For limits a used voucher counts on, also past its time, and one that was ended or taken back too late does not.
pub(crate) async fn limits_count_what_is_used_and_not_what_is_ended<F: Fixture>() {
    let one_each = Limits { total: Some(1), ..Limits::default() };
    let for_customer = Limits { per_customer: Some(1), ..Limits::default() };
    let in_campaign = Limits { per_campaign: Some(1), ..Limits::default() };
    let in_period = Limits { per_period: Some("1/month".parse().unwrap()), ..Limits::default() };
    for limits in [one_each, for_customer, in_campaign, in_period] {
        let world = limited::<F>(limits, Some(Duration::from_secs(30))).await;
        let of_ada = |id: &str| claim("spring", &message(id, "ada"), Width::Message);
        let code = world.send(&of_ada("a")).await.voucher.code;
        world.redeem(&code, "e").await;
        world.fixture.pass(Duration::from_secs(31)).await;
        let refused = Claimed::Refused(Refusal::LimitReached);
        assert_eq!(world.reserve(&world.lease(), &of_ada("b")).await, refused, "{limits:?}");
        world.store.roll_back(&code, &EventId::new("e").unwrap()).await.unwrap();
        let next = world.send(&of_ada("b")).await.voucher.code;
        assert_eq!(world.reserve(&world.lease(), &of_ada("c")).await, refused, "{limits:?}");
        world.store.void(&[next]).await.unwrap();
        world.send(&of_ada("c")).await;
        assert_eq!(world.reserve(&world.lease(), &of_ada("d")).await, refused, "{limits:?}");
    }
}

/// With its pool, all that is known of a voucher's use goes.
pub(crate) async fn a_deleted_pool_forgets_uses<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let code = world.send(&one(1)).await.voucher.code;
    world.redeem(&code, "e").await;
    let refused = world.store.delete_pool(&pool("spring"), false).await.unwrap_err();
    assert_eq!(refused.kind(), tearoff::ErrorKind::Refused);
    world.store.delete_pool(&pool("spring"), true).await.unwrap();
    assert_eq!(world.redeem(&code, "e").await, RedemptionResult::Unknown);
    world.pool("spring", PoolSettings::default()).await;
    world.import("spring", &numbered("S", 1)).await;
    assert_eq!(world.redeem(&code, "e").await, RedemptionResult::NotAssigned);
}

/// Every step from every state: those that there are lead where they should, and all others are refused and change nothing.
pub(crate) async fn every_state_allows_its_steps_and_no_others<F: Fixture>() {
    use State::{Assigned, Available, Expired, Redeemed, Reserved, Void};
    let world = World::<F>::new().await;
    for (state, steps) in [
        (Available, [("NotAssigned", Available), ("NotRedeemed", Available), ("Voided", Void), ("none", Available)]),
        (Reserved, [("NotAssigned", Reserved), ("NotRedeemed", Reserved), ("Voided", Void), ("1, 0", Available)]),
        (Assigned, [("Redeemed", Redeemed), ("NotRedeemed", Assigned), ("Voided", Void), ("1, 0", Available)]),
        (
            Redeemed,
            [("AlreadyRedeemed", Redeemed), ("RolledBack", Assigned), ("Redeemed", Redeemed), ("0, 1", Redeemed)],
        ),
        (Expired, [("Expired", Expired), ("NotRedeemed", Expired), ("Voided", Void), ("0, 0", Expired)]),
        (Void, [("Void", Void), ("NotRedeemed", Void), ("AlreadyVoid", Void), ("0, 0", Void)]),
    ] {
        for (n, expected) in steps.into_iter().enumerate() {
            let name = format!("{}-{n}", state.as_str());
            let code = bring_into(&world, &name, state).await;
            assert_eq!(world.record(&code).await.state, state);
            let answer = perform(&world, n, &name, &code).await;
            assert_eq!((answer.as_str(), world.record(&code).await.state), expected, "{name}");
            assert!(world.is_sound(&name).await);
        }
    }
}

/// A pool of that name with one voucher in that state, which the message of that name has, or had.
async fn bring_into<F: Fixture>(world: &World<F>, name: &str, state: State) -> Code {
    let valid_for = (state == State::Expired).then(|| Duration::from_secs(30));
    world.pool(name, PoolSettings { valid_for, ..PoolSettings::default() }).await;
    world.import(name, &[format!("{name}-code")]).await;
    let (code, claim) = (code(&format!("{name}-code")), claim(name, &message(name, "ada"), Width::Message));
    match state {
        State::Available => {}
        State::Reserved => {
            world.take(&world.lease(), &claim).await;
        }
        _ => {
            world.send(&claim).await;
        }
    }
    match state {
        State::Redeemed => assert_eq!(world.redeem(&code, "first").await, RedemptionResult::Redeemed),
        State::Expired => world.fixture.pass(Duration::from_secs(31)).await,
        State::Void => assert_eq!(world.store.void(std::slice::from_ref(&code)).await.unwrap(), [Voided::Voided]),
        _ => {}
    }
    code
}

async fn perform<F: Fixture>(world: &World<F>, step: usize, name: &str, code: &Code) -> String {
    match step {
        0 => format!("{:?}", world.redeem(code, "second").await),
        1 => format!("{:?}", world.store.roll_back(code, &EventId::new("first").unwrap()).await.unwrap()),
        2 => format!("{:?}", world.store.void(std::slice::from_ref(code)).await.unwrap()[0]),
        _ => match world.store.release_message(&MessageId::new(name).unwrap()).await {
            Ok(ReleasedMessage { released, kept }) => format!("{released}, {kept}"),
            Err(_) => "none".to_owned(),
        },
    }
}
