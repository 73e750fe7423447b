//! Rules of pools: who may get something new.

use std::time::{Duration, Instant};

use tearoff::campaign::{Outcome, Reason, Status};
use tearoff::render::{Message, Purpose};
use tearoff::voucher::{Channel, MessageId, PoolSettings, Stock};
use tokio::time::sleep;

use crate::shop::{Shop, many, message, message_for, name, reason, refs, sms, text};

const TEMPLATE: &str = "{{ vouchers.p.assign_available() }}";

async fn rule(shop: &Shop, pool: &str, rule: &str) {
    let settings = PoolSettings { eligible: Some(rule.to_owned()), ..PoolSettings::default() };
    shop.store.set_pool(&name(pool), &settings).await.unwrap();
}

fn called(id: &str, message: Message) -> Message {
    let Message { channel, purpose, customer, campaign, context, .. } = message;
    Message::new(Some(MessageId::new(id).unwrap()), (channel, purpose), customer, campaign, context).unwrap()
}

fn is_kept_away(outcome: &Outcome) -> bool {
    let shortfall = outcome.shortfall().unwrap();
    assert_eq!(shortfall.message, "the customer is not eligible for pool 'p'");
    outcome.status() == Status::Suppressed && outcome.event().is_none() && shortfall.pool == Some(name("p"))
}

#[tokio::test]
async fn who_is_not_eligible_is_suppressed_on_every_channel_and_takes_nothing() {
    let shop = Shop::with(&[("p", 5)]).await;
    rule(&shop, "p", "customer.id != 'c1' and campaign.id == 'spring'").await;
    for purpose in [Purpose::Live, Purpose::Test] {
        let outcomes =
            shop.personalizer(sms(TEMPLATE)).personalize(vec![message_for("c1", Channel::Sms, purpose)]).await;
        let outcomes = outcomes.unwrap();
        assert_eq!(reason(&outcomes[0]), Reason::NotEligible);
        assert!(is_kept_away(&outcomes[0]));
    }
    assert_eq!(shop.counts("p").await.available, 5);
    let served = shop.send(TEMPLATE, &["c2"]).await;
    assert!(text(&served[0]).starts_with("p-"));
}

#[tokio::test]
async fn nothing_is_guessed_about_a_pool_with_a_rule() {
    let shop = Shop::with(&[("p", 5_000)]).await;
    rule(&shop, "p", "customer.id|last|int is even").await;
    let personalizer = shop.personalizer(sms(TEMPLATE));
    let customers = many(400);
    for batch in refs(&customers).chunks(100) {
        let outcomes = personalizer.personalize(batch.iter().map(|id| message(id)).collect()).await.unwrap();
        for (outcome, customer) in outcomes.iter().zip(batch) {
            let is_even = "02468".contains(customer.chars().last().unwrap());
            assert_eq!(outcome.result.is_ok(), is_even, "{customer}");
        }
    }
    assert_eq!(shop.counts("p").await.assigned, 200);
}

#[tokio::test]
async fn what_a_message_has_is_served_whatever_the_rule_says_by_then() {
    let shop = Shop::with(&[("p", 5)]).await;
    let template = "{{ vouchers.p.assign_available() }} $cst.p.coupon$";
    let first = shop.send(template, &["c1"]).await;
    rule(&shop, "p", "false").await;
    let again = shop.send(template, &["c1"]).await;
    assert_eq!(text(&again[0]), text(&first[0]));
    let personalizer = shop.personalizer(sms("$cst.p.coupon$"));
    let other = personalizer.personalize(vec![called("other", message("c1"))]).await.unwrap();
    assert!(text(&first[0]).ends_with(text(&other[0])), "the customer's own code is served in any message");
    let new = shop.personalizer(sms(template)).personalize(vec![called("new", message("c1"))]).await.unwrap();
    assert!(is_kept_away(&new[0]));
    assert_eq!(shop.counts("p").await.assigned, 2);
}

#[tokio::test]
async fn what_else_the_message_took_goes_back_and_the_next_one_gets_it() {
    let shop = Shop::with(&[("a", 1), ("p", 1)]).await;
    rule(&shop, "p", "customer.id == 'c2'").await;
    let outcomes =
        shop.send("{{ vouchers.a.assign_available() }} {{ vouchers.p.assign_available() }}", &["c1", "c2"]).await;
    assert!(is_kept_away(&outcomes[0]));
    assert_eq!(text(&outcomes[1]), "a-0 p-0");
}

#[tokio::test]
async fn a_branch_that_is_not_taken_asks_no_rule() {
    let shop = Shop::with(&[("p", 1)]).await;
    rule(&shop, "p", "false").await;
    let outcomes = shop.send("{% if customer.vip %}{{ vouchers.p.assign_available() }}{% endif %}Hi", &["c1"]).await;
    assert_eq!(text(&outcomes[0]), "Hi");
}

#[tokio::test]
async fn a_rule_that_cannot_be_judged_is_an_error_that_names_it() {
    let shop = Shop::with(&[("p", 1)]).await;
    for (text, says) in [
        ("customer.id > 5", "pool 'p', its setting 'eligible': line 1, column 1: customer.id is text and is compared"),
        ("customer.id >", "pool 'p', its setting 'eligible': line 1, column "),
    ] {
        rule(&shop, "p", text).await;
        let outcomes = shop.send(TEMPLATE, &["c1"]).await;
        let shortfall = outcomes[0].shortfall().unwrap();
        assert_eq!((shortfall.reason, outcomes[0].status()), (Reason::TemplateError, Status::EnqueueFailed));
        assert!(shortfall.message.starts_with(says), "{}", shortfall.message);
        assert_eq!(shop.counts("p").await.available, 1);
    }
}

#[tokio::test]
async fn a_changed_rule_holds_soon_in_a_sender_that_is_running() {
    let shop = Shop::with(&[("p", 1_000)]).await;
    let personalizer = shop.personalizer(sms(TEMPLATE));
    let began = Instant::now();
    let mut number = 0;
    let mut send = async || {
        number += 1;
        personalizer.personalize(vec![message(&format!("c{number}"))]).await.unwrap().remove(0)
    };
    assert_eq!(send().await.status(), Status::Rendered);
    rule(&shop, "p", "false").await;
    while send().await.status() == Status::Rendered {
        assert!(began.elapsed() < Duration::from_secs(20), "the new rule never came to hold");
        // The pool has to last until then.
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(send().await.status(), Status::Suppressed);
}
