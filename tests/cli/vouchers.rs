//! `voucher` and `customer`.

use serde_json::{Value, json};

use crate::shop::Shop;

#[test]
fn a_voucher_is_shown_through_its_life() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let voucher = |state: &str, held: Value| {
        let mut voucher = json!({"code": "S1", "pool": "spring", "state": state, "customer_id": null, "campaign_id": null,
            "message_id": null, "channel": null, "mode": null, "assigned_at": null, "expires_at": null,
            "redeemed_at": null, "metadata": {"discount": "20 %"}});
        voucher.as_object_mut().unwrap().extend(held.as_object().unwrap().clone());
        voucher
    };
    assert_eq!(shop.json("voucher show S1 --json"), voucher("available", json!({})));
    shop.render("c1", &[]);
    let shown = shop.json("voucher show S1 --json");
    let held = json!({"customer_id": "c1", "campaign_id": "sale", "message_id": "sale/c1", "channel": "sms",
        "mode": "live", "assigned_at": shown["assigned_at"]});
    assert!(shown["assigned_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(shown, voucher("assigned", held));
    assert_eq!(shop.json("customer show c1 --json"), json!([shown]));
    assert_eq!(shop.json("voucher release --message sale/c1 --json"), json!({"released": 1, "kept": 0}));
    assert_eq!(shop.json("voucher show S1 --json"), voucher("available", json!({})));
    assert_eq!(shop.json("customer show c1 --json"), json!([]));
}

#[test]
fn people_read_cards_and_tables() {
    let shop = Shop::new();
    shop.add_pool("spring", &["S1"], Some("2999-06-30T18:00:00Z".parse().unwrap()));
    shop.render("ada@example.com", &[]);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"2\d{3}-\d\d-\d\d \d\d:\d\d(:\d\d UTC)?", "[moment -------]");
    settings.bind(|| {
        insta::assert_snapshot!(shop.ok("voucher show S1"), @r"
    code         S1
    pool         spring
    state        assigned
    customer     ada@example.com
    campaign     sale
    message      sale/ada@example.com
    channel      sms
    mode         live
    assigned at  [moment -------]
    expires at   [moment -------]
    discount     20 %
    ");
        insta::assert_snapshot!(shop.ok("customer show ada@example.com"), @r"
    CODE  POOL    STATE     ASSIGNED (UTC)    EXPIRES (UTC)     USED (UTC)  CHANNEL  MODE  CAMPAIGN
    S1    spring  assigned  [moment -------]  [moment -------]              sms      live  sale
    ");
    });
}

#[test]
fn a_customer_without_vouchers_is_no_error() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let run = shop.run("customer show nobody");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", "this customer has no vouchers\n"));
}

#[test]
fn a_wider_key_stays_when_its_message_is_released() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("templates/card/body.txt", "$cst.spring.coupon$");
    shop.ok(r#"render card --channel sms --message-id m1 --customer {"id":"c1"}"#);
    assert_eq!(shop.ok("voucher release --message m1"), "went back: 0 vouchers\nstays with the customer: 1 voucher\n");
}

#[test]
fn what_is_not_there_is_told_without_repeating_it() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let voucher = shop.run("voucher show SECRET-42");
    voucher.fails(
        7,
        "error: project 'default' has no such voucher\nhelp: check the code; '--project' names another project",
    );
    let message = shop.run("voucher release --message sale/ada@example.com");
    message.fails(7, "error: the store knows no such message\nhelp: check the message id");
    shop.run_with(&["voucher", "show", "SECRET-42 "]).fails(7, "error: the code begins or ends with white space");
}
