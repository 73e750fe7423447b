//! The rest of a voucher's life, where Redis has something of its own to promise: what is nowhere any more, and what adds up.

use std::collections::BTreeMap;
use std::sync::Arc;

use tearoff::ErrorKind;
use tearoff::store::RedisOptions;
use tearoff::voucher::*;

use crate::servers::Server;
use crate::tour::pool;

fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

fn customer(id: &str) -> CustomerId {
    CustomerId::new(id).unwrap()
}

fn event(id: &str) -> EventId {
    EventId::new(id).unwrap()
}

fn claim(name: &str, message: &str, to: &str, width: Width, mode: Mode) -> Claim {
    let message = MessageIdentity {
        message_id: MessageId::new(message).unwrap(),
        customer_id: customer(to),
        campaign_id: Some(CampaignId::new("k").unwrap()),
        channel: Channel::Email,
        mode,
    };
    Claim { pool: pool(name), width, message: Arc::new(message) }
}

async fn open(server: &Server) -> Arc<dyn Store> {
    Arc::new(RedisOptions::default().open(&server.url(), "shop").await.unwrap())
}

async fn stock(store: &dyn Store, name: &str, settings: PoolSettings, codes: &[&str]) {
    store.create_pool(&pool(name), &settings).await.unwrap();
    let new = |text: &&str| NewVoucher { code: code(text), expires_at: None, metadata: Metadata::new() };
    store.import(&pool(name), &codes.iter().map(new).collect::<Vec<_>>()).await.unwrap();
}

async fn reserve(store: &dyn Store, lease: &Lease, claim: &Claim) -> Code {
    match store.reserve(lease, std::slice::from_ref(claim)).await.unwrap().remove(0) {
        Claimed::Bound(binding) => binding.voucher.code,
        other => panic!("a voucher was expected, not {other:?}"),
    }
}

async fn settle(store: &dyn Store, lease: &Lease, claim: &Claim, code: &Code) -> Settled {
    let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: code.clone() };
    store.settle(lease, &[Kept { message: claim.message.clone(), shown: vec![shown] }]).await.unwrap().remove(0)
}

async fn send(store: &dyn Store, claim: &Claim) -> Code {
    let lease = Lease::new(Lease::TIME);
    let code = reserve(store, &lease, claim).await;
    assert_eq!(settle(store, &lease, claim, &code).await, Settled::Accepted);
    code
}

fn wish(code: &Code, event_id: &str, holder: Option<&str>) -> Redemption {
    Redemption {
        code: code.clone(),
        event_id: event(event_id),
        customer_id: None,
        at: None,
        holder: holder.map(customer),
        passes: true,
        flagged: false,
    }
}

async fn redeem(store: &dyn Store, wish: Redemption) -> RedemptionResult {
    store.redeem(&[wish]).await.unwrap().remove(0)
}

async fn adds_up(store: &dyn Store, name: &str) {
    let findings = store.reconcile(&pool(name)).await.unwrap();
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
}

/// Of a message whose id says nothing of its customer, the binding lies elsewhere than its customer's, who has a pointer to it.
#[tokio::test]
async fn a_voucher_is_used_once_wherever_its_binding_lies() {
    let server = Server::start();
    let store = &*open(&server).await;
    stock(store, "more", PoolSettings::default(), &["M-1"]).await;
    let overflow = PoolSettings { overflow: Some(pool("more")), ..PoolSettings::default() };
    stock(store, "spring", overflow, &["S-1", "S-2"]).await;
    let claims = ["k/ada", "uuid", "k2/ada"].map(|id| claim("spring", id, "ada", Width::Message, Mode::Live));
    for claim in claims {
        let given = send(store, &claim).await;
        let name = if given.as_str().starts_with('S') { "spring" } else { "more" };
        assert_eq!(redeem(store, wish(&given, "e1", Some("bob"))).await, RedemptionResult::Moved);
        assert_eq!(redeem(store, wish(&given, "e1", Some("ada"))).await, RedemptionResult::Redeemed);
        assert_eq!(redeem(store, wish(&given, "e1", Some("ada"))).await, RedemptionResult::Redeemed);
        assert_eq!(redeem(store, wish(&given, "e2", Some("ada"))).await, RedemptionResult::AlreadyRedeemed);
        adds_up(store, name).await;
        let record = store.voucher(&given).await.unwrap().unwrap();
        assert_eq!((record.state, record.redeemed_at.is_some()), (State::Redeemed, true));
        assert_eq!(store.roll_back(&given, &event("e1")).await.unwrap(), RolledBack::RolledBack);
        assert_eq!(store.roll_back(&given, &event("e1")).await.unwrap(), RolledBack::AlreadyRolledBack);
        assert_eq!(redeem(store, wish(&given, "e1", Some("ada"))).await, RedemptionResult::AlreadyRedeemed);
        adds_up(store, name).await;
        assert_eq!(store.voucher(&given).await.unwrap().unwrap().state, State::Assigned);
        assert_eq!(store.void(std::slice::from_ref(&given)).await.unwrap(), [Voided::Voided]);
        adds_up(store, name).await;
        assert_eq!(redeem(store, wish(&given, "e3", Some("ada"))).await, RedemptionResult::Void);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_use_a_voucher_at_once_one_does() {
    let server = Server::start();
    let store = open(&server).await;
    stock(&*store, "spring", PoolSettings::default(), &["S-1"]).await;
    let given = send(&*store, &claim("spring", "k/ada", "ada", Width::Message, Mode::Live)).await;
    let mut racing = tokio::task::JoinSet::new();
    for n in 0..64 {
        let (store, wish) = (store.clone(), wish(&given, &format!("e{n}"), Some("ada")));
        racing.spawn(async move { redeem(&*store, wish).await });
    }
    let answers = racing.join_all().await;
    let count = |result| answers.iter().filter(|answer| **answer == result).count();
    assert_eq!((count(RedemptionResult::Redeemed), count(RedemptionResult::AlreadyRedeemed)), (1, 63));
}

/// Everything that the server has: each key, and all that is in it, as it would be written to its disk.
fn everything(server: &Server) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let keys: Vec<Vec<u8>> = server.command(&["KEYS", "*"]);
    let read = "local key, kind = KEYS[1], redis.call('TYPE', KEYS[1]).ok
        if kind == 'hash' then return table.concat(redis.call('HGETALL', key), '|') end
        if kind == 'zset' then return table.concat(redis.call('ZRANGE', key, 0, -1), '|') end
        if kind == 'set' then return table.concat(redis.call('SMEMBERS', key), '|') end
        if kind == 'list' then return table.concat(redis.call('LRANGE', key, 0, -1), '|') end
        local all = {}
        for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do all[#all + 1] = table.concat(entry[2], '|') end
        return table.concat(all, '|')";
    let mut all = BTreeMap::new();
    for key in keys {
        let name = String::from_utf8(key.clone()).unwrap();
        all.insert(key, server.command::<Vec<u8>>(&["EVAL", read, "1", &name]));
    }
    all
}

fn holds(server: &Server, text: &str) -> Vec<String> {
    let is_in = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let found = everything(server).into_iter().filter(|(key, value)| is_in(key) || is_in(value));
    found.map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
}

/// The bindings of every kind, messages of every form, what came back and what was used: afterwards nothing names the customer.
/// Fails on a build that leaves out any of these places.
#[tokio::test]
async fn a_forgotten_customer_is_nowhere_any_more() {
    const ADA: &str = "ada.lovelace@example.com";
    let server = Server::start();
    let store = &*open(&server).await;
    let fallback = PoolSettings { fallback: Some(code("FALLBACK")), ..PoolSettings::default() };
    stock(store, "more", fallback, &["M-1"]).await;
    let overflow = PoolSettings { overflow: Some(pool("more")), ..PoolSettings::default() };
    stock(store, "spring", overflow, &["S-1", "S-2", "S-3", "S-4", "S-5", "S-6"]).await;
    let to_ada = |id: &str, width| claim("spring", id, ADA, width, Mode::Live);
    let usual = format!("k/{ADA}");
    let mut codes = Vec::new();
    for claim in [
        to_ada(&usual, Width::Message),
        to_ada(&usual, Width::Campaign),
        to_ada("uuid", Width::Message),
        claim("spring", &format!("test-for-{ADA}"), ADA, Width::Customer, Mode::Test),
    ] {
        codes.push(send(store, &claim).await);
    }
    send(store, &to_ada(&format!("gone/{ADA}"), Width::Message)).await;
    store.release_message(&MessageId::new(format!("gone/{ADA}")).unwrap()).await.unwrap();
    let bob = send(store, &claim("spring", "bob-1", "bob", Width::Message, Mode::Live)).await;
    for id in ["full-1", "full-2", "full-3"] {
        send(store, &to_ada(id, Width::Message)).await;
    }
    let plain = Kept { message: to_ada(&format!("plain/{ADA}"), Width::Message).message, shown: vec![] };
    store.settle(&Lease::new(Lease::TIME), &[plain]).await.unwrap();
    assert_eq!(redeem(store, wish(&codes[0], "order-1", Some(ADA))).await, RedemptionResult::Redeemed);
    let by_ada = Redemption { customer_id: Some(customer(ADA)), ..wish(&bob, &format!("order-of-{ADA}"), Some("bob")) };
    assert_eq!(redeem(store, by_ada).await, RedemptionResult::Redeemed);

    let under_way = Lease::new(Lease::TIME);
    reserve(store, &under_way, &to_ada("under-way", Width::Message)).await;
    let before: Vec<_> = [store.pool(&pool("spring")).await.unwrap(), store.pool(&pool("more")).await.unwrap()].into();
    assert_eq!(store.forget(&customer(ADA)).await.unwrap_err().kind(), ErrorKind::Refused);
    assert!(holds(&server, ADA).len() > 3, "{:?}", holds(&server, ADA));
    store.settle(&under_way, &[]).await.unwrap();

    let held = store.customers(&[customer(ADA)]).await.unwrap().remove(0).len() as u64;
    assert_eq!(store.forget(&customer(ADA)).await.unwrap(), Forgotten { vouchers: held });
    assert_eq!(holds(&server, ADA), Vec::<String>::new());
    assert_eq!(store.forget(&customer(ADA)).await.unwrap(), Forgotten { vouchers: 0 });
    for name in ["spring", "more"] {
        adds_up(store, name).await;
    }
    let after: Vec<_> = [store.pool(&pool("spring")).await.unwrap(), store.pool(&pool("more")).await.unwrap()].into();
    assert_eq!(after, before);
    let record = store.voucher(&codes[0]).await.unwrap().unwrap();
    assert_eq!((record.state, record.customer_id, record.message_id), (State::Redeemed, None, None));
    assert_eq!(record.campaign_id, Some(CampaignId::new("k").unwrap()));
    assert_eq!(redeem(store, wish(&codes[1], "order-2", None)).await, RedemptionResult::Redeemed);
    for id in [usual.as_str(), "uuid", &format!("plain/{ADA}"), &format!("gone/{ADA}")] {
        let again = store.reserve(&Lease::new(Lease::TIME), &[to_ada(id, Width::Message)]).await.unwrap();
        assert_eq!(again, [Claimed::Rejected(Rejection::Released)], "{id}");
    }
    assert_eq!(store.customers(&[customer("bob")]).await.unwrap()[0].len(), 1);
}

/// Fails on a build that does not count what it says it does: each number is changed by hand once.
#[tokio::test]
async fn what_does_not_add_up_is_named() {
    let server = Server::start();
    let store = &*open(&server).await;
    let settings = PoolSettings { valid_for: Some(std::time::Duration::from_secs(3600)), ..PoolSettings::default() };
    stock(store, "spring", settings, &["S-1", "S-2", "S-3", "S-4"]).await;
    for id in ["k/ada", "uuid"] {
        send(store, &claim("spring", id, "ada", Width::Message, Mode::Live)).await;
    }
    let lease = Lease::new(Lease::TIME);
    reserve(store, &lease, &claim("spring", "k/bob", "bob", Width::Message, Mode::Live)).await;
    adds_up(store, "spring").await;
    let key = |part: &str| format!("tearoff:{{shop:spring}}:{part}");
    let wrong = async |check: &str| {
        let findings = store.reconcile(&pool("spring")).await.unwrap();
        let wrong: Vec<_> =
            findings.iter().filter(|finding| !finding.ok).map(|finding| finding.check.as_str()).collect();
        assert_eq!(wrong, [check]);
    };
    for check in ["available", "reserved", "assigned", "redeemed", "expired", "void", "holding", "entries"] {
        server.command::<()>(&["HINCRBY", &key("pool"), check, "1"]);
        wrong(check).await;
        server.command::<()>(&["HINCRBY", &key("pool"), check, "-1"]);
    }
    server.command::<()>(&["HINCRBY", &key("limits"), "0", "1"]);
    wrong("limits").await;
    server.command::<()>(&["HINCRBY", &key("limits"), "0", "-1"]);
    let due: Vec<String> = server.command(&["ZRANGE", &key("due"), "0", "0", "WITHSCORES"]);
    server.command::<()>(&["ZREM", &key("due"), &due[0]]);
    wrong("due").await;
    server.command::<()>(&["ZADD", &key("due"), &due[1], &due[0]]);
    server.command::<()>(&["HINCRBY", &key("groups"), &due[0], "1"]);
    wrong("ends").await;
    server.command::<()>(&["HINCRBY", &key("groups"), &due[0], "-1"]);
    adds_up(store, "spring").await;
    assert_eq!(store.reconcile(&pool("summer")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_journal_tells_what_happened_and_from_whom_a_code_came_back() {
    let server = Server::start();
    let store = &*open(&server).await;
    stock(store, "spring", PoolSettings::default(), &["S-1"]).await;
    let spring = pool("spring");
    let start = store.journal(&spring, None, 100).await.unwrap().len();
    send(store, &claim("spring", "k/ada", "ada", Width::Message, Mode::Live)).await;
    store.release_message(&MessageId::new("k/ada").unwrap()).await.unwrap();
    let given = send(store, &claim("spring", "k/bob", "bob", Width::Message, Mode::Live)).await;
    redeem(store, Redemption { flagged: true, customer_id: Some(customer("eve")), ..wish(&given, "e1", Some("bob")) })
        .await;
    store.roll_back(&given, &event("e1")).await.unwrap();
    store.void(std::slice::from_ref(&given)).await.unwrap();
    let journal = store.journal(&spring, None, 100).await.unwrap();
    let changes: Vec<_> = journal[start..].iter().map(|entry| entry.change).collect();
    use Change::{Assigned, Redeemed, Released, RolledBack, Voided};
    assert_eq!(changes, [Assigned, Released, Assigned, Redeemed, RolledBack, Voided]);
    let history = store.history(&given).await.unwrap();
    let of = |change| history.iter().filter(|entry| entry.change == change).collect::<Vec<_>>();
    let whose = |entry: &JournalEntry| entry.customer_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
    assert_eq!(of(Assigned).into_iter().map(whose).collect::<Vec<_>>(), ["ada", "bob"]);
    assert_eq!(whose(of(Released)[0]), "ada");
    assert_eq!(of(Released)[0].message_id.as_ref().map(MessageId::as_str), Some("k/ada"));
    assert_eq!((whose(of(Redeemed)[0]), of(Redeemed)[0].flagged), ("eve".to_owned(), true));
    assert_eq!(of(RolledBack)[0].event_id, Some(event("e1")));
    let page = store.journal(&spring, Some(&journal[0].position), 1).await.unwrap();
    assert_eq!(page, journal[1..2]);
    assert_eq!(store.journal_size(&spring).await.unwrap().entries, journal.len() as u64);
    let nowhere = JournalPosition("7".into());
    let refused = store.journal(&spring, Some(&nowhere), 1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(store.trim_journal(&spring, end).await.unwrap(), journal.len() as u64);
    assert_eq!(store.journal_size(&spring).await.unwrap(), JournalSize::default());
    let known: Vec<_> = store.history(&given).await.unwrap().into_iter().map(|entry| entry.change).collect();
    assert!(known.ends_with(&[Assigned]), "{known:?}");
}
