//! Who gets which code, and what goes back.

use std::sync::Arc;
use std::time::Duration;

use tearoff::campaign::{Personalizer, Reason, Status};
use tearoff::render::{Attributes, Limits, Message, Purpose, Renderer};
use tearoff::voucher::{Channel, Claims, Desk, MessageId};

use super::shop::*;

#[tokio::test]
async fn every_message_gets_its_own_code_and_the_same_one_again() {
    let shop = Shop::with(&[("p", 200)]).await;
    let customers = many(100);
    let first = shop.send("{{ vouchers.p.assign_available() }}", &refs(&customers)).await;
    let again = shop.send("{{ vouchers.p.assign_available() }}", &refs(&customers)).await;
    let codes: Vec<&str> = first.iter().map(text).collect();
    assert_eq!(codes, again.iter().map(text).collect::<Vec<_>>());
    let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), 100);
    let counts = shop.counts("p").await;
    assert_eq!((counts.available, counts.assigned, counts.reserved), (100, 100, 0));
}

#[tokio::test]
async fn a_branch_that_is_not_taken_costs_nothing() {
    let shop = Shop::with(&[("p", 10), ("vip", 10)]).await;
    let template = "{% if customer.id == 'c1' %}{{ vouchers.vip.assign_available() }}{% else %}{{ vouchers.p.assign_available() }}{% endif %}";
    shop.send(template, &["c1", "c2", "c3"]).await;
    assert_eq!(shop.counts("vip").await.assigned, 1);
    assert_eq!(shop.counts("p").await.assigned, 2);
}

#[tokio::test]
async fn when_the_pool_runs_dry_the_audiences_order_decides() {
    let shop = Shop::with(&[("p", 3)]).await;
    let customers = many(40);
    let outcomes = shop.send("{{ vouchers.p.assign_available() }}", &refs(&customers)).await;
    assert!(outcomes[..3].iter().all(|outcome| outcome.status() == Status::Rendered));
    assert!(outcomes[3..].iter().all(|outcome| reason(outcome) == Reason::PoolEmpty));
    assert_eq!(outcomes[3].shortfall().unwrap().message, "pool 'p' has no available voucher");
}

#[tokio::test]
async fn the_order_decides_also_where_earlier_messages_claim_later() {
    let shop = Shop::with(&[("p", 1), ("q", 40)]).await;
    // The first customer needs q before p, so that its claim of p comes in the second pass.
    let template =
        "{% if customer.id == 'c0' %}{{ vouchers.q.assign_available() }}{% endif %}{{ vouchers.p.assign_available() }}";
    let customers = many(30);
    let outcomes = shop.send(template, &refs(&customers)).await;
    assert_eq!(outcomes[0].status(), Status::Rendered);
    assert!(outcomes[1..].iter().all(|outcome| reason(outcome) == Reason::PoolEmpty));
    assert_eq!(shop.counts("q").await.available, 39);
}

#[tokio::test]
async fn a_message_that_fails_gives_back_all_it_took_and_the_next_one_gets_it() {
    let shop = Shop::with(&[("a", 1), ("b", 0)]).await;
    let template =
        "{{ vouchers.a.assign_available() }}{% if customer.id == 'c0' %}{{ vouchers.b.assign_available() }}{% endif %}";
    let outcomes = shop.send(template, &["c0", "c1", "c2"]).await;
    assert_eq!(outcomes[0].shortfall().unwrap().pool, Some(name("b")));
    assert_eq!(outcomes[1].status(), Status::Rendered);
    assert_eq!(outcomes[2].shortfall().unwrap().pool, Some(name("a")));
}

#[tokio::test]
async fn all_or_nothing_over_pools_errors_and_aborts() {
    let shop = Shop::with(&[("a", 60), ("b", 0)]).await;
    let empty =
        shop.send("{{ vouchers.a.assign_available() }}{{ vouchers.b.assign_available() }}", &refs(&many(20))).await;
    assert!(empty.iter().all(|outcome| reason(outcome) == Reason::PoolEmpty && outcome.shortfall().unwrap().pool == Some(name("b"))));
    let wrong = shop.send("{{ vouchers.a.assign_available() }}{{ 1 // 0 }}", &["c1"]).await;
    assert_eq!(reason(&wrong[0]), Reason::TemplateError);
    let aborted = shop.send("{{ vouchers.a.assign_available() }}{{ abort('not today') }}", &["c1"]).await;
    assert_eq!((reason(&aborted[0]), aborted[0].status()), (Reason::Aborted, Status::Suppressed));
    assert_eq!(aborted[0].shortfall().unwrap().message, "not today");
    assert_eq!(shop.counts("a").await.available, 60);
}

#[tokio::test]
async fn four_widths_are_used_again_as_widely_as_they_say() {
    let shop = Shop::with(&[("p", 20)]).await;
    let template = "{{ vouchers.p.assign_available() }} {{ vouchers.p.assign_available() }} \
        {{ vouchers.p.assign_available(cached=false) }} {{ vouchers.p.assign_available(cached=false) }} \
        {{ vouchers.p.assign_available(per='campaign') }} $cst.p.coupon$";
    let first = shop.send(template, &["c1"]).await;
    let first: Vec<&str> = text(&first[0]).split(' ').collect();
    assert_eq!(first[0], first[1]);
    assert_eq!(first[1..].iter().collect::<std::collections::BTreeSet<_>>().len(), 5);

    let mut other = message("c1");
    other = Message::new(
        Some(MessageId::new("other").unwrap()),
        (Channel::Sms, Purpose::Live),
        other.customer,
        other.campaign,
        other.context,
    )
    .unwrap();
    let second = shop.personalizer(sms(template)).personalize(vec![other]).await.unwrap();
    let second: Vec<&str> = text(&second[0]).split(' ').collect();
    assert_eq!(second[4..], first[4..], "campaign and customer codes are the same in another message");
    assert!(second[..4].iter().all(|code| !first.contains(code)), "message and occurrence codes are not");
}

#[tokio::test]
async fn a_count_that_no_longer_holds_is_looked_at_again() {
    let shop = Shop::with(&[("p", 5)]).await;
    let template =
        "{% if vouchers.p.count_available() > 0 %}{{ vouchers.p.assign_available() }}{% else %}sold out{% endif %}";
    let outcomes = shop.send(template, &refs(&many(20))).await;
    assert!(outcomes[..5].iter().all(|outcome| text(outcome).starts_with("p-")));
    assert!(outcomes[5..].iter().all(|outcome| text(outcome) == "sold out"));
}

#[tokio::test]
async fn counts_hold_for_the_whole_message() {
    let shop = Shop::with(&[("p", 5)]).await;
    let outcomes = shop.send("{{ vouchers.p.count_available() }} {{ vouchers.p.assign_available()|length }} {{ vouchers.p.count_available() }}/{{ vouchers.p.count_total() }}", &["c1"]).await;
    assert_eq!(text(&outcomes[0]), "5 3 5/5");
    let retried =
        shop.send("{{ vouchers.p.assign_available()|length }} {{ vouchers.p.count_available() }}", &["c1"]).await;
    assert_eq!(text(&retried[0]), "3 5", "what the message holds itself counts, also when it is assigned by now");
    let again =
        shop.send("{{ vouchers.p.assign_available()|length }} {{ vouchers.p.count_available() }}", &["c2"]).await;
    assert_eq!(text(&again[0]), "3 4");
}

#[tokio::test]
async fn a_customers_vouchers_are_those_of_other_messages() {
    let shop = Shop::with(&[("p", 5)]).await;
    let template = "{{ vouchers.p.assign_available()|length }}{% for v in customer.vouchers %}[{{ v.pool }} {{ v.state }}]{% endfor %}";
    let first = shop.send(template, &["c1"]).await;
    assert_eq!(text(&first[0]), "3");
    let other = Message::new(
        Some(MessageId::new("other").unwrap()),
        (Channel::Sms, Purpose::Live),
        message("c1").customer,
        Attributes::default(),
        Attributes::default(),
    );
    let second = shop.personalizer(sms(template)).personalize(vec![other.unwrap()]).await.unwrap();
    assert_eq!(text(&second[0]), "3[p assigned]");
}

/// What a message was assigned before its sender died is its own in the retry, too: it takes the same branch to the same code.
#[tokio::test]
async fn a_retry_does_not_see_what_the_message_itself_was_assigned() {
    let shop = Shop::with(&[("p", 5)]).await;
    let template = "{% for v in customer.vouchers %}You have {{ v.code }}{% else %}{{ vouchers.p.assign_available(per='customer') }}{% endfor %}";
    let first = shop.send(template, &["c1"]).await;
    let again = shop.send(template, &["c1"]).await;
    assert_eq!(text(&first[0]), text(&again[0]));
}

#[tokio::test]
async fn a_retry_counts_the_last_code_that_the_message_itself_was_assigned() {
    let shop = Shop::with(&[("p", 1)]).await;
    let template =
        "{% if vouchers.p.count_available() > 0 %}{{ vouchers.p.assign_available() }}{% else %}sold out{% endif %}";
    let first = shop.send(template, &["c1"]).await;
    let again = shop.send(template, &["c1"]).await;
    assert_eq!((text(&first[0]), text(&again[0])), ("p-0", "p-0"));
}

#[tokio::test]
async fn an_unknown_pool_is_named_with_its_place_and_the_nearest_name() {
    let shop = Shop::with(&[("spring", 1)]).await;
    let outcomes = shop.send("Hi\n{{ vouchers.sprng.assign_available() }}", &["c1"]).await;
    let shortfall = outcomes[0].shortfall().unwrap();
    assert_eq!(shortfall.reason, Reason::UnknownPool);
    assert_eq!(
        shortfall.message,
        "there is no pool 'sprng' (test/body.txt, line 2, column 13); did you mean 'spring'?"
    );
}

#[tokio::test]
async fn a_message_id_belongs_to_one_customer_and_one_mode() {
    let shop = Shop::with(&[("p", 5)]).await;
    let of = |customer: &str, purpose| {
        let id = Some(MessageId::new("m1").unwrap());
        Message::new(
            id,
            (Channel::Sms, purpose),
            message(customer).customer,
            Attributes::default(),
            Attributes::default(),
        )
        .unwrap()
    };
    let personalizer = shop.personalizer(sms("{{ vouchers.p.assign_available() }}"));
    personalizer.personalize(vec![of("c1", Purpose::Live)]).await.unwrap();
    for message in [of("c2", Purpose::Live), of("c1", Purpose::Test)] {
        let outcomes = personalizer.personalize(vec![message]).await.unwrap();
        assert_eq!(reason(&outcomes[0]), Reason::MessageConflict);
    }
    assert_eq!(shop.counts("p").await.available, 4);
}

#[tokio::test]
async fn a_released_message_is_retired_and_its_code_goes_to_somebody_else() {
    let shop = Shop::with(&[("p", 1)]).await;
    let template = "{{ vouchers.p.assign_available() }}";
    let first = shop.send(template, &["c1"]).await;
    shop.store.release_message(&MessageId::new("spring/c1").unwrap()).await.unwrap();
    let second = shop.send(template, &["c1", "c2"]).await;
    assert_eq!(reason(&second[0]), Reason::MessageReleased);
    assert_eq!(text(&second[1]), text(&first[0]));
}

#[tokio::test]
async fn test_sends_take_codes_and_give_them_back() {
    let shop = Shop::with(&[("p", 2)]).await;
    let personalizer = shop.personalizer(sms("$cst.p.coupon$"));
    let test = personalizer.personalize(vec![message_for("c1", Channel::Sms, Purpose::Test)]).await.unwrap();
    let live = personalizer
        .personalize(vec![
            Message::new(
                Some(MessageId::new("live").unwrap()),
                (Channel::Sms, Purpose::Live),
                message("c1").customer,
                Attributes::default(),
                Attributes::default(),
            )
            .unwrap(),
        ])
        .await
        .unwrap();
    assert_ne!(text(&test[0]), text(&live[0]));
    assert_eq!(shop.store.reclaim_tests().await.unwrap(), 1);
    assert_eq!(shop.counts("p").await.available, 1);
}

#[tokio::test]
async fn a_web_layer_that_lacks_a_code_is_not_shown_and_says_nothing() {
    let shop = Shop::with(&[("p", 0)]).await;
    let template = Renderer::new(Limits::default())
        .compile("layer", Channel::WebLayer, [("body.html", "$cst.p.coupon$")])
        .unwrap();
    let outcomes = shop
        .personalizer(template)
        .personalize(vec![message_for("c1", Channel::WebLayer, Purpose::Live)])
        .await
        .unwrap();
    assert_eq!(outcomes[0].status(), Status::Suppressed);
    assert!(outcomes[0].event().is_none());
}

#[tokio::test]
async fn what_another_sender_holds_is_waited_for_and_never_called_empty_too_early() {
    let shop = Shop::with(&[("p", 1)]).await;
    let lease = hold(&shop, "other", Duration::from_secs(60)).await;
    let personalizer = shop.personalizer(sms("{{ vouchers.p.assign_available() }}"));
    let waiting = tokio::spawn(async move { personalizer.personalize(vec![message("c1")]).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!waiting.is_finished());
    shop.store.settle(&lease, &[]).await.unwrap();
    assert_eq!(waiting.await.unwrap()[0].status(), Status::Rendered);
}

#[tokio::test]
async fn a_dead_senders_reservation_comes_back_after_its_lease() {
    let shop = Shop::with(&[("p", 1)]).await;
    hold(&shop, "dead", Duration::from_millis(300)).await;
    let outcomes = shop.send("{{ vouchers.p.assign_available() }}", &["c1"]).await;
    assert_eq!(outcomes[0].status(), Status::Rendered);
}

#[tokio::test]
async fn waiting_ends_after_one_lease_time_and_a_web_layer_does_not_wait() {
    let shop = Shop::with(&[("p", 1)]).await;
    hold(&shop, "other", Duration::from_secs(60)).await;
    let personalizer =
        shop.personalizer(sms("{{ vouchers.p.assign_available() }}")).with_lease_time(Duration::from_millis(300));
    let error = personalizer.personalize(vec![message("c1")]).await.unwrap_err();
    assert!(error.is_retryable(), "what another sender holds is not an empty pool");

    let template = Renderer::new(Limits::default())
        .compile("layer", Channel::WebLayer, [("body.html", "$cst.p.coupon$")])
        .unwrap();
    let personalizer = shop.personalizer(template);
    let layer = personalizer.personalize(vec![message_for("c1", Channel::WebLayer, Purpose::Live)]);
    let outcomes = tokio::time::timeout(Duration::from_secs(20), layer).await.expect("no waiting").unwrap();
    assert_eq!(reason(&outcomes[0]), Reason::PoolEmpty);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_in_eight_workers_gets_one_code() {
    let shop = Shop::with(&[("p", 20)]).await;
    let template = Arc::new(sms("{{ vouchers.p.assign_available() }} {{ vouchers.p.assign_available(cached=false) }}"));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let personalizer =
                Personalizer::new(template.clone(), shop.store.clone(), shop.store.clone(), shop.threads.clone());
            tokio::spawn(async move { personalizer.personalize(vec![message("c1")]).await })
        })
        .collect();
    let mut texts = std::collections::BTreeSet::new();
    for worker in workers {
        match worker.await.unwrap() {
            Ok(outcomes) => assert!(texts.insert(text(&outcomes[0]).to_owned()) || texts.len() == 1),
            Err(error) => assert!(error.is_retryable()),
        }
    }
    assert_eq!(texts.len(), 1);
    let counts = shop.counts("p").await;
    assert_eq!((counts.assigned, counts.reserved), (2, 0));
}
