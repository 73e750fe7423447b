//! Buyers who use vouchers while the server dies and replies are lost: rivals want the same voucher, and everybody asks more than
//! once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tearoff::store::RedisOptions;
use tearoff::voucher::*;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::claim::claim;
use crate::line::line_to;
use crate::open::open;
use crate::servers::Server;

const CODES: usize = 600;
const BUYERS: usize = 6;

/// How many events want each voucher.
const RIVALS: usize = 3;

type Answers = BTreeMap<(String, String), RedemptionResult>;

/// Vouchers that were given, and what buyers were told.
struct Till {
    given: Vec<(Code, CustomerId)>,
    answers: Mutex<Answers>,
}

impl Till {
    /// Gives every voucher to a customer of its own.
    async fn open(store: &dyn Store) -> Arc<Till> {
        let pool = claim("m", "c").pool;
        store.create_pool(&pool, &PoolSettings::default()).await.unwrap();
        let new =
            |n| NewVoucher { code: Code::new(format!("S-{n}")).unwrap(), expires_at: None, metadata: Metadata::new() };
        store.import(&pool, &(0..CODES).map(new).collect::<Vec<_>>()).await.unwrap();
        let claims: Vec<Claim> = (0..CODES).map(|n| claim(&format!("m{n}"), &format!("c{n}"))).collect();
        let lease = Lease::new(Lease::TIME);
        let claimed = store.reserve(&lease, &claims).await.unwrap();
        let mut given = Vec::new();
        let mut kept = Vec::new();
        for (claim, claimed) in claims.into_iter().zip(claimed) {
            let Claimed::Bound(binding) = claimed else { panic!("a voucher was expected, not {claimed:?}") };
            let code = binding.voucher.code;
            given.push((code.clone(), claim.message.customer_id.clone()));
            let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code };
            kept.push(Kept { message: claim.message, shown: vec![shown] });
        }
        store.settle(&lease, &kept).await.unwrap();
        Arc::new(Till { given, answers: Mutex::default() })
    }

    /// Everything that is wanted, in an order of its own, each wish some time after the other.
    fn wishes(&self, chance: &mut StdRng) -> Vec<Redemption> {
        let wish = |(code, holder): &(Code, CustomerId), rival| Redemption {
            code: code.clone(),
            event_id: EventId::new(format!("order-{rival}")).unwrap(),
            customer_id: None,
            at: None,
            holder: Some(holder.clone()),
            passes: true,
            flagged: false,
        };
        let mut wishes: Vec<_> =
            self.given.iter().flat_map(|given| (0..RIVALS).map(move |rival| wish(given, rival))).collect();
        wishes.shuffle(chance);
        wishes
    }

    /// Takes note of what a buyer was told. Nobody may be told another time anything else.
    fn note(&self, wishes: &[Redemption], results: &[RedemptionResult]) {
        let mut answers = self.answers.lock().unwrap();
        for (wish, result) in wishes.iter().zip(results) {
            let key = (wish.code.as_str().to_owned(), wish.event_id.as_str().to_owned());
            let first = *answers.entry(key.clone()).or_insert(*result);
            assert_eq!(first, *result, "{key:?} got two answers");
        }
    }

    fn answered(&self) -> f64 {
        self.answers.lock().unwrap().len() as f64 / (CODES * RIVALS) as f64
    }

    /// Lets buyers come.
    async fn crowd(self: &Arc<Till>, url: &str) -> JoinSet<()> {
        let seed = rand::random();
        eprintln!("the buyers' seed is {seed}");
        let mut chance = StdRng::seed_from_u64(seed);
        let mut buyers = JoinSet::new();
        for _ in 0..BUYERS {
            let store = open(url, RedisOptions::default().patience(Duration::from_secs(3))).await.unwrap();
            let (till, mut chance) = (self.clone(), StdRng::seed_from_u64(chance.random()));
            buyers.spawn(async move {
                for wishes in till.wishes(&mut chance).chunks(7) {
                    let results = loop {
                        match store.redeem(wishes).await {
                            Ok(results) => break results,
                            Err(error) => assert!(error.is_retryable(), "{error:?} of {:?}", error.cause()),
                        }
                    };
                    till.note(wishes, &results);
                }
            });
        }
        buyers
    }

    async fn reach(&self, share: f64) {
        while self.answered() < share {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(self.answered() < 1.0, "nobody wanted anything any more");
    }

    /// Every voucher was used by one event, and the store says so.
    async fn check(&self, store: &dyn Store) {
        let answers = self.answers.lock().unwrap().clone();
        assert_eq!(answers.len(), CODES * RIVALS);
        let mut winners: BTreeMap<&str, usize> = BTreeMap::new();
        for ((code, _), _) in answers.iter().filter(|(_, result)| **result == RedemptionResult::Redeemed) {
            *winners.entry(code).or_default() += 1;
        }
        assert!(winners.len() == CODES && winners.values().all(|winners| *winners == 1), "{winners:?}");
        let pool = claim("m", "c").pool;
        assert_eq!(store.pool(&pool).await.unwrap().unwrap().counts.redeemed, CODES as u64);
        let findings = store.reconcile(&pool).await.unwrap();
        assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    }
}

/// Fails on a build that remembers an answer in another step than the one that uses the voucher.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_while_vouchers_are_used_gives_no_event_two_answers() {
    let server = Server::start();
    let store = open(&server.url(), RedisOptions::default()).await.unwrap();
    let till = Till::open(&*store).await;
    let buyers = till.crowd(&server.url()).await;
    for share in [0.2, 0.5, 0.8] {
        till.reach(share).await;
        server.kill_9();
        sleep(Duration::from_millis(rand::rng().random_range(0..200))).await;
        server.restart();
    }
    buyers.join_all().await;
    till.check(&*store).await;
}

/// Fails on a build that does not remember what it answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_cut_after_a_voucher_was_used_give_no_event_two_answers() {
    let server = Server::start();
    let line = line_to(&server);
    let store = open(&server.url(), RedisOptions::default()).await.unwrap();
    let till = Till::open(&*store).await;
    let buyers = till.crowd(&line.url()).await;
    line.cut_replies(0.05);
    buyers.join_all().await;
    line.heal();
    assert!(line.cuts() > 10, "only {} replies were cut", line.cuts());
    till.check(&*store).await;
}
