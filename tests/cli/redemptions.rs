//! `voucher validate`, `redeem`, `rollback`, `void` and `release --messages`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use tearoff::ErrorKind;
use tearoff::redemption::{Purchase, Redeemer, Wish};
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    ByOthers, Code, EventId, Lookup, PoolName, PoolSettings, Redemption, RedemptionResult, RedemptionRules,
    Redemptions, RolledBack, Stock, Voided,
};

use crate::shop::{Run, Shop};

/// A shop whose customer `c1` has the one code `S1` of pool `spring`.
fn shop() -> Shop {
    let shop = Shop::with_pool("spring", &["S1"]);
    assert_eq!(shop.render("c1", &[]).0, Some(0));
    shop
}

pub(crate) fn set_rules(shop: &Shop, rule: Option<&str>, by_others: ByOthers) {
    let redemption = RedemptionRules { rule: rule.map(str::to_owned), by_others };
    let settings = PoolSettings { redemption, ..PoolSettings::default() };
    let store = SqliteStore::open(shop.path("tearoff.db"), "default").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(store.set_pool(&PoolName::new("spring").unwrap(), &settings)).unwrap();
}

fn with_input(shop: &Shop, arguments: &[&str], file: &str) -> Run {
    let input = std::fs::File::open(shop.path(file)).unwrap();
    Run::of(shop.command(arguments).stdin(input))
}

/// Runs a command with `--json`; its exit code and answer.
fn answer(shop: &Shop, arguments: &str) -> (Option<i32>, Value) {
    let run = shop.run(&format!("{arguments} --json"));
    (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{arguments}: {run:?}")))
}

fn result(shop: &Shop, arguments: &str) -> (Option<i32>, String) {
    let (code, answer) = answer(shop, arguments);
    (code, answer["result"].as_str().unwrap().to_owned())
}

fn says(code: i32, result: &str) -> (Option<i32>, String) {
    (Some(code), result.to_owned())
}

#[test]
fn a_voucher_is_used_once_and_the_same_event_gets_the_same_answer() {
    let shop = shop();
    let redeemed = json!({"result": "redeemed", "event_id": "o1"});
    for _ in 0..2 {
        assert_eq!(answer(&shop, "voucher redeem S1 --event-id o1 --customer c1"), (Some(0), redeemed.clone()));
    }
    assert_eq!(result(&shop, "voucher redeem S1 --event-id o2"), says(3, "already_redeemed"));
    assert_eq!(shop.json("voucher show S1 --json")["state"], "redeemed");
}

#[test]
fn an_event_id_is_made_where_none_is_given() {
    let shop = shop();
    let (code, made) = answer(&shop, "voucher redeem S1");
    let event = made["event_id"].as_str().unwrap();
    assert_eq!((code, event.len()), (Some(0), 32));
    assert_eq!(result(&shop, &format!("voucher redeem S1 --event-id {event}")), says(0, "redeemed"));
    assert_eq!(result(&shop, "voucher redeem S1"), says(3, "already_redeemed"));
}

#[test]
fn every_other_answer_is_printed_with_exit_code_3() {
    let shop = shop();
    shop.add_pool("other", &["FREE", "ENDED"], None);
    shop.add_pool("old", &["OLD"], Some("2020-01-01T00:00:00Z".parse().unwrap()));
    shop.ok("voucher void ENDED");
    for (code, expected) in [("NONE", "unknown"), ("FREE", "not_assigned"), ("ENDED", "void"), ("OLD", "expired")] {
        assert_eq!(result(&shop, &format!("voucher redeem {code} --event-id o1")), says(3, expected), "{code}");
        let invalid = json!({"valid": false, "reason": expected});
        assert_eq!(answer(&shop, &format!("voucher validate {code}")), (Some(3), invalid), "{code}");
    }
}

#[test]
fn validating_changes_nothing() {
    let shop = shop();
    for _ in 0..2 {
        assert_eq!(answer(&shop, "voucher validate S1"), (Some(0), json!({"valid": true, "reason": null})));
    }
    assert_eq!(shop.json("voucher show S1 --json")["state"], "assigned");
    shop.ok("voucher redeem S1");
    let used = json!({"valid": false, "reason": "already_redeemed"});
    assert_eq!(answer(&shop, "voucher validate S1"), (Some(3), used));
}

#[test]
fn a_rule_looks_at_the_order_and_the_customer() {
    let shop = shop();
    set_rules(&shop, Some("order.total >= 50 and customer.segment == 'vip'"), ByOthers::Allow);
    let vip = r#"{"segment":"vip"}"#;
    let validate = |order: &str| {
        let run = shop.run_with(&["voucher", "validate", "S1", "--attributes", vip, "--order", order]);
        (run.code, run.stdout, run.stderr)
    };
    assert_eq!(validate(r#"{"total":50}"#), (Some(0), "valid\n".into(), String::new()));
    let failed = "the rule of pool 'spring' does not hold\n".to_owned();
    assert_eq!(validate(r#"{"total":49}"#), (Some(3), "rule_failed\n".into(), failed));
    assert_eq!(result(&shop, "voucher redeem S1 --event-id o1"), says(3, "rule_failed"));
    shop.write("order.json", r#"{"total": 80}"#);
    shop.write("ada.json", vip);
    let again = "voucher redeem S1 --event-id o1 --attributes @ada.json --order @order.json";
    assert_eq!(result(&shop, again), says(3, "rule_failed"), "the event has its answer");
    let other = "voucher redeem S1 --event-id o2 --attributes @ada.json --order @order.json";
    assert_eq!(result(&shop, other), says(0, "redeemed"));
}

#[test]
fn others_are_refused_or_marked_where_the_pool_says_so() {
    let shop = shop();
    set_rules(&shop, None, ByOthers::Refuse);
    for (event, user) in [("o1", " --customer c2"), ("o2", "")] {
        let redeem = format!("voucher redeem S1 --event-id {event}{user}");
        assert_eq!(result(&shop, &redeem), says(3, "rule_failed"), "{redeem}");
    }
    set_rules(&shop, None, ByOthers::Flag);
    assert_eq!(result(&shop, "voucher redeem S1 --event-id o3 --customer c2"), says(0, "redeemed"));
    let shown = shop.json("voucher show S1 --history --json");
    let last = shown["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["change"], &last["customer_id"], &last["flagged"]),
        (&json!("redeemed"), &json!("c2"), &json!(true))
    );
}

#[test]
fn a_use_is_taken_back_with_its_event() {
    let shop = shop();
    assert_eq!(result(&shop, "voucher rollback S1 --event-id o1"), says(3, "not_redeemed"));
    assert_eq!(result(&shop, "voucher rollback NONE --event-id o1"), says(3, "unknown"));
    shop.ok("voucher redeem S1 --event-id o1");
    assert_eq!(result(&shop, "voucher rollback S1 --event-id o1"), says(0, "rolled_back"));
    assert_eq!(result(&shop, "voucher rollback S1 --event-id o1"), says(0, "already_rolled_back"));
    assert_eq!(shop.json("voucher show S1 --json")["state"], "assigned");
    assert_eq!(result(&shop, "voucher redeem S1 --event-id o1"), says(3, "already_redeemed"), "that event is over");
    assert_eq!(result(&shop, "voucher redeem S1 --event-id o2"), says(0, "redeemed"));
}

#[test]
fn a_code_is_read_from_standard_input() {
    let shop = shop();
    shop.write("code.txt", "S1\r\n");
    for (arguments, stdout) in [
        (&["voucher", "validate", "-"][..], "valid\n"),
        (&["voucher", "redeem", "-", "--event-id", "o1"], "result  redeemed\nevent   o1\n"),
        (&["voucher", "rollback", "-", "--event-id", "o1"], "taken back; the voucher is its customer's again\n"),
    ] {
        let run = with_input(&shop, arguments, "code.txt");
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), stdout), "{arguments:?}: {run:?}");
    }
    shop.write("customer.txt", "c1\n");
    assert!(with_input(&shop, &["customer", "show", "-"], "customer.txt").stdout.contains("S1"));
    shop.write("both.txt", "S1\n{\"total\": 80}\n");
    let run = with_input(&shop, &["voucher", "validate", "-", "--order", "@-"], "both.txt");
    assert_eq!(run.stdout, "valid\n", "what follows the code: {run:?}");
}

#[test]
fn vouchers_are_ended_by_hand() {
    let shop = shop();
    shop.add_pool("other", &["A", "B"], None);
    let report = |voided, before, redeemed, unknown, rejected: Value| json!({"voided": voided, "already_void": before, "redeemed": redeemed, "unknown": unknown, "rejected": rejected});
    assert_eq!(answer(&shop, "voucher void A B"), (Some(0), report(2, 0, 0, 0, json!([]))));
    assert_eq!(shop.json("pool show other --json")["void"], 2);
    shop.ok("voucher redeem S1");
    shop.write("leaked.txt", "A\n\nS1\r\nNONE\nSECRET\u{200b}\n");
    let rejected = json!([
        {"line": 3, "reason": "the voucher is used, and stays so"},
        {"line": 4, "reason": "the project has no such voucher"},
        {"line": 5, "reason": "the code holds a control or invisible character"},
    ]);
    assert_eq!(answer(&shop, "voucher void --codes leaked.txt"), (Some(7), report(0, 1, 1, 1, rejected)));
    let run = shop.run("voucher void --codes leaked.txt");
    assert!(run.stderr.contains("warning: leaked.txt:4: the project has no such voucher\n"), "{run:?}");
    assert!(!run.stderr.contains("SECRET"), "{run:?}");
    assert_eq!(shop.run("voucher void").code, Some(2));
}

#[test]
fn a_list_of_messages_is_released() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    for customer in ["c1", "c2"] {
        shop.render(customer, &[]);
    }
    shop.write("bounced.txt", "sale/c1\nsale/c2\nsale/nobody\n");
    let rejected = json!([{"line": 3, "reason": "the store knows no such message"}]);
    for released in [2, 0] {
        let report = json!({"released": released, "kept": 0, "unknown": 1, "rejected": rejected});
        assert_eq!(answer(&shop, "voucher release --messages bounced.txt"), (Some(7), report));
    }
    assert_eq!(shop.json("pool show spring --json")["available"], 3);
    shop.write("bounced.txt", "sale/c1\n");
    assert_eq!(shop.run("voucher release --messages bounced.txt").code, Some(0));
}

/// A store whose vouchers change hands so many times before one is used.
struct Restless {
    store: Arc<SqliteStore>,
    moves: AtomicUsize,
}

#[async_trait]
impl Redemptions for Restless {
    async fn redeem(&self, redemptions: &[Redemption]) -> tearoff::Result<Vec<RedemptionResult>> {
        let moved = |left: usize| left.checked_sub(1);
        match self.moves.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved) {
            Ok(_) => Ok(vec![RedemptionResult::Moved; redemptions.len()]),
            Err(_) => self.store.redeem(redemptions).await,
        }
    }

    async fn redemptions(&self, asked: &[(Code, EventId)]) -> tearoff::Result<Vec<Option<RedemptionResult>>> {
        self.store.redemptions(asked).await
    }

    async fn roll_back(&self, code: &Code, event: &EventId) -> tearoff::Result<RolledBack> {
        self.store.roll_back(code, event).await
    }

    async fn void(&self, codes: &[Code]) -> tearoff::Result<Vec<Voided>> {
        self.store.void(codes).await
    }
}

/// What was judged for somebody who does not have the voucher any more is judged again, but not for ever.
#[test]
fn a_voucher_that_changes_hands_is_judged_again() {
    let shop = shop();
    let store = Arc::new(SqliteStore::open(shop.path("tearoff.db"), "default").unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let redeem = |moves: usize| {
        let restless = Arc::new(Restless { store: store.clone(), moves: moves.into() });
        let wish = |code: &str| Wish {
            code: Code::new(code).unwrap(),
            event_id: EventId::new("o1").unwrap(),
            at: None,
            purchase: Purchase::default(),
        };
        runtime.block_on(Redeemer::new(store.clone(), restless).redeem(&[wish("NONE"), wish("S1")]))
    };
    assert_eq!(redeem(usize::MAX).unwrap_err().kind(), ErrorKind::Contended);
    let results: Vec<RedemptionResult> = redeem(2).unwrap().into_iter().map(|answer| answer.result).collect();
    assert_eq!(results, [RedemptionResult::Unknown, RedemptionResult::Redeemed]);
}

/// Of many tasks with events of their own, exactly one uses the voucher.
#[test]
fn one_of_many_wins() {
    let shop = shop();
    set_rules(&shop, Some("order.total >= 50"), ByOthers::Allow);
    let store = Arc::new(SqliteStore::open(shop.path("tearoff.db"), "default").unwrap());
    let redeemer = Redeemer::new(store.clone(), store.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answers: Vec<RedemptionResult> = runtime.block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let redeemer = redeemer.clone();
                tokio::spawn(async move {
                    let order = tearoff::render::Attributes::from_json(r#"{"total": 50}"#).unwrap();
                    let wish = Wish {
                        code: Code::new("S1").unwrap(),
                        event_id: EventId::new(format!("o{number}")).unwrap(),
                        at: None,
                        purchase: Purchase { order, ..Purchase::default() },
                    };
                    redeemer.redeem(&[wish]).await.unwrap()[0].result
                })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    });
    let count = |wanted| answers.iter().filter(|result| **result == wanted).count();
    assert_eq!((count(RedemptionResult::Redeemed), count(RedemptionResult::AlreadyRedeemed)), (1, 63));
}

/// A rule that was stored before its language changed is an error, not an answer that an event would keep.
#[test]
fn a_rule_that_does_not_compile_is_no_answer() {
    let shop = shop();
    let store = Arc::new(SqliteStore::open(shop.path("tearoff.db"), "default").unwrap());
    set_rules(&shop, Some("order.total >"), ByOthers::Allow);
    let code = Code::new("S1").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(Redeemer::new(store.clone(), store.clone()).validate(&code, &Purchase::default()));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(runtime.block_on(store.voucher(&code)).unwrap().is_some());
}
