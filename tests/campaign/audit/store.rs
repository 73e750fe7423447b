//! Files that the store contradicts.

use tearoff::voucher::Width;

use super::{sent, sorted};
use crate::workshop::{Workshop, text};

#[test]
fn a_message_released_by_hand() {
    let workshop = sent();
    workshop.run(&["voucher", "release", "--message", "spring-2026/c3"]).exits(0);
    assert_eq!(workshop.found(), ["given_back messages.jsonl 4 spring-2026/c3 spring"]);
}

#[test]
fn a_code_that_somebody_else_got_since() {
    let workshop = Workshop::new(1, 1);
    workshop.send(&[]).exits(0);
    workshop.run(&["voucher", "release", "--message", "spring-2026/c0"]).exits(0);
    workshop.claim("c9", Width::Message, true);
    assert_eq!(workshop.found(), ["other_customer messages.jsonl 1 spring-2026/c0 spring"]);
}

#[test]
fn codes_swapped_between_two_customers() {
    let workshop = sent();
    let codes = workshop.delivered();
    workshop.edit("out/messages.jsonl", |lines| {
        let (one, other) = (&codes["c1"][0], &codes["c2"][0]);
        (lines[1], lines[2]) = (lines[1].replace(one, other), lines[2].replace(other, one));
    });
    let expected = [
        "other_customer messages.jsonl 2 spring-2026/c1 spring",
        "other_customer messages.jsonl 3 spring-2026/c2 spring",
    ];
    assert_eq!(workshop.found(), expected);
}

#[test]
fn one_code_in_messages_to_two_customers() {
    let workshop = sent();
    let codes = workshop.delivered();
    workshop.edit("out/messages.jsonl", |lines| lines[2] = lines[2].replace(&codes["c2"][0], &codes["c1"][0]));
    let expected = [
        "two_customers messages.jsonl 3 spring-2026/c2 spring",
        "other_customer messages.jsonl 3 spring-2026/c2 spring",
        "not_shown messages.jsonl 3 spring-2026/c2 spring",
    ];
    assert_eq!(workshop.found(), expected);
}

#[test]
fn codes_that_the_store_knows_otherwise() {
    let workshop = sent();
    let codes = workshop.delivered();
    workshop.edit("out/messages.jsonl", |lines| {
        lines[0] = lines[0].replace(&codes["c0"][0], "UNKNOWN-1");
        lines[1] = lines[1].replace("\"from\":\"spring\"", "\"from\":\"summer\"");
        lines[2] = lines[2].replace("\"mode\":\"live\"", "\"mode\":\"test\"");
        lines[3] = lines[3].replace("\"source\":\"pool\"", "\"source\":\"fallback\"");
    });
    workshop.sql("UPDATE voucher SET void_at = 1 WHERE binding_id = (SELECT id FROM binding WHERE customer_id = 'c4')");
    workshop.sql("UPDATE binding SET message_id = 'other' WHERE customer_id = 'c5'");
    let expected = [
        "unfinished messages.jsonl null null null",
        "wrong_pool messages.jsonl 2 spring-2026/c1 summer",
        "wrong_mode messages.jsonl 3 spring-2026/c2 spring",
        "void messages.jsonl 5 spring-2026/c4 spring",
        "unknown_code messages.jsonl 1 spring-2026/c0 spring",
        "not_bound messages.jsonl 4 spring-2026/c3 spring",
        "other_message messages.jsonl 6 spring-2026/c5 spring",
        "not_shown messages.jsonl 1 spring-2026/c0 spring",
        "not_shown messages.jsonl 4 spring-2026/c3 spring",
    ];
    assert_eq!(sorted(workshop.found()), sorted(expected));
}

#[test]
fn a_message_that_shows_what_is_only_reserved() {
    let workshop = Workshop::new(1, 2);
    workshop.send(&[]).exits(0);
    workshop.run(&["voucher", "release", "--message", "spring-2026/c0"]).exits(0);
    workshop.sql("DELETE FROM message");
    workshop.claim("c0", Width::Message, false);
    let code = workshop.json(&["customer", "show", "c0", "--json"])[0]["code"].take();
    let before = workshop.delivered()["c0"][0].clone();
    workshop.edit("out/messages.jsonl", |lines| lines[0] = lines[0].replace(&before, &text(&code)));
    assert_eq!(workshop.found(), ["not_settled messages.jsonl 1 spring-2026/c0 spring"]);
}

#[test]
fn vouchers_that_no_file_shows() {
    let workshop = Workshop::new(14, 10);
    workshop.template(
        "body.txt",
        "{% if customer.id == 'c2' %}{% abort %}{% endif %}{{ vouchers['spring'].assign_available() }}",
    );
    workshop.send(&["--force"]).exits(3);
    workshop.codes("more.csv", 100..110);
    workshop.run(&["pool", "import", "spring", "more.csv"]).exits(0);
    workshop.claim("c1", Width::Occurrence(1), true);
    workshop.claim("c2", Width::Message, true);
    workshop.claim("c12", Width::Message, true);
    workshop.claim("c13", Width::Message, false);
    workshop.claim("c99", Width::Customer, true);
    let expected = [
        "not_shown messages.jsonl 2 spring-2026/c1 spring",
        "kept_by_failed suppressed.jsonl 1 spring-2026/c2 spring",
        "kept_by_failed events.jsonl 12 spring-2026/c12 spring",
        "kept_by_failed events.jsonl 13 spring-2026/c13 spring",
        "not_shown null null spring-2026/c99 spring",
    ];
    assert_eq!(sorted(workshop.found()), sorted(expected));
    workshop.send(&["--retry-failed"]).exits(0);
    assert_eq!(sorted(workshop.found()), sorted([expected[0], expected[1], expected[4]]));
}

#[test]
fn a_test_message_of_the_campaign_is_none_of_its_own() {
    let workshop = sent();
    let customer = ["--customer", "{\"id\": \"tester\"}", "--campaign", "spring-2026", "--mode", "test"];
    workshop.run(&[&["render", "sale", "--channel", "sms"], &customer[..]].concat()).exits(0);
    workshop.audits_clean();
}

#[test]
fn vouchers_of_a_template_that_has_changed_since() {
    let workshop = sent();
    workshop.template("body.txt", "{% if customer.id != 'c1' %}{{ vouchers.spring.assign_available() }}{% endif %}");
    workshop.run(&["campaign", "run", "campaign.toml", "--out", "again"]).exits(0);
    workshop.audits_clean();
    std::fs::remove_dir_all(workshop.path("out")).unwrap();
    std::fs::rename(workshop.path("again"), workshop.path("out")).unwrap();
    assert_eq!(workshop.found(), ["not_shown messages.jsonl 2 spring-2026/c1 spring"]);
}
