//! Campaigns with which nothing is wrong, whatever happened to them.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use super::sent;
use crate::workshop::{Workshop, audience, text};

#[test]
fn a_campaign_that_went_well() {
    let checked = sent().audits_clean();
    assert_eq!(checked, json!({"messages": 12, "events": 12, "suppressed": 0, "codes": 12, "vouchers": 20}));
}

#[test]
fn more_messages_than_a_batch_of_look_ups() {
    let workshop = Workshop::new(1_100, 1_200);
    workshop.send(&[]).exits(0);
    assert_eq!(workshop.audits_clean()["vouchers"], 1_200);
}

#[test]
fn every_width_overflow_and_fallback_codes() {
    let workshop = Workshop::new(12, 5);
    workshop.codes("more.csv", 100..104);
    workshop.codes("card.csv", 200..240);
    workshop.run(&["pool", "create", "last", "--fallback", "THANKS"]).exits(0);
    workshop.run(&["pool", "import", "last", "more.csv"]).exits(0);
    workshop.run(&["pool", "create", "spring", "--overflow", "last"]).exits(0);
    workshop.run(&["pool", "import", "card", "card.csv"]).exits(0);
    workshop.template(
        "body.txt",
        "{{ vouchers.spring.assign_available() }} $cst.card.coupon$ {{ vouchers.card.assign_available(per='campaign') }}\
         {% for _ in range(2) %}{{ vouchers.last.assign_available(cached=false) }}{% endfor %}\
         {{ vouchers.last.assign_available(per='customer') }}",
    );
    workshop.send(&["--force"]).exits(0);
    let sources: Vec<String> =
        workshop.lines("out/messages.jsonl").iter().map(|m| text(&m["vouchers"][0]["source"])).collect();
    for source in ["pool", "overflow", "fallback"] {
        assert!(sources.iter().any(|found| found == source), "{sources:?}");
    }
    assert_eq!(workshop.audits_clean()["codes"], 72);

    // Another campaign shows codes that customers have for good: they stay the first one's in the store.
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("spring-2026", "summer"));
    workshop.template("body.txt", "$cst.card.coupon$ {{ vouchers.last.assign_available(per='customer') }}");
    workshop.run(&["campaign", "run", "campaign.toml", "--out", "summer", "--force"]).exits(0);
    let ran = workshop.run(&["audit", "--out", "summer"]).exits(0).says("no discrepancy in 12 messages");
    assert!(ran.0.stdout.is_empty());
    workshop.audits_clean();

    workshop.edit("out/messages.jsonl", |lines| lines[11] = lines[11].replace("THANKS", "TAHNKS"));
    let bound = workshop.found();
    assert!(bound.iter().all(|found| found == "not_bound messages.jsonl 12 spring-2026/c11 last"), "{bound:?}");
    assert_eq!(bound.len(), 4);
}

#[test]
fn retries_limits_duplicates_and_broken_rows() {
    let workshop = Workshop::new(0, 10);
    let mut rows = audience(0..20);
    rows.push_str("c7,Ada again\n,Nobody\n");
    workshop.write("audience.csv", &rows);
    workshop.send(&["--force"]).exits(3);
    workshop.audits_clean();
    workshop.send(&["--force", "--retry-failed"]).exits(3);
    workshop.audits_clean();
    workshop.codes("codes.csv", 0..13);
    workshop.send(&["--force", "--retry-failed", "--limit", "2"]).exits(3);
    workshop.audits_clean();
    workshop.send(&["--force", "--retry-failed"]).exits(3);
    workshop.audits_clean();
    workshop.codes("codes.csv", 0..40);
    workshop.send(&["--retry-failed"]).exits(3);
    workshop.audits_clean();
    workshop.write("audience.csv", &format!("{rows}c30,Grace\n"));
    workshop.send(&[]).exits(3);
    assert_eq!(workshop.audits_clean()["messages"], 21);
}

#[test]
fn who_is_suppressed_at_once_or_in_a_retry() {
    let workshop = Workshop::new(20, 10);
    workshop.template(
        "body.txt",
        "{{ vouchers.spring.assign_available() }}{% if customer.id == 'c3' %}{% abort %}{% endif %}\
         {% if vouchers.spring.count_total() > 10 and customer.id == 'c15' %}{{ abort('too late') }}{% endif %}",
    );
    workshop.send(&["--force"]).exits(3);
    workshop.audits_clean();
    workshop.codes("codes.csv", 0..12);
    workshop.send(&["--force", "--retry-failed"]).exits(3);
    workshop.codes("codes.csv", 0..40);
    workshop.send(&["--retry-failed"]).exits(0);
    assert_eq!(workshop.audits_clean()["suppressed"], 2);
}

#[test]
fn a_campaign_that_waits_for_codes_or_has_a_limit() {
    let workshop = Workshop::new(30, 12);
    workshop.file("when_empty = \"pause\"\nbatch = 7\n");
    workshop.send(&["--force", "--limit", "5"]).exits(0);
    assert_eq!(workshop.audits_clean()["messages"], 5);
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.audits_clean()["messages"], 12);
}

#[test]
fn web_layers_that_are_not_shown() {
    let workshop = Workshop::new(20, 10);
    workshop.template("body.html", "{{ vouchers.spring.assign_available() }}");
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("\"sms\"", "\"web_layer\""));
    workshop.send(&["--force"]).exits(0);
    let checked = workshop.audits_clean();
    assert_eq!(
        (&checked["messages"], &checked["suppressed"], &checked["events"]),
        (&json!(10), &json!(10), &json!(10))
    );
}

#[test]
fn a_run_that_was_killed_is_told_from_one_that_went_on() {
    let workshop = Workshop::new(8_000, 8_100);
    let mut child = workshop.start();
    while std::fs::metadata(workshop.path("out/messages.jsonl")).map_or(0, |file| file.len()) == 0 {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let found = workshop.found();
    for kind in ["unfinished messages.jsonl null null null", "missing_file report.json null null null"] {
        assert!(found.iter().any(|row| row == kind), "{found:?}");
    }
    workshop.send(&["--force"]).exits(0);
    assert_eq!(workshop.audits_clean()["messages"], 8_000);
}

#[test]
fn a_run_that_was_interrupted_is_as_it_should_be() {
    let workshop = Workshop::new(30_000, 30_000);
    let child = workshop.start();
    while std::fs::metadata(workshop.path("out/messages.jsonl")).map_or(0, |file| file.len()) == 0 {
        sleep(Duration::from_millis(5));
    }
    let running = workshop.run(&["audit", "--out", "out"]).exits(7).says("another process is using out");
    assert!(running.0.stdout.is_empty());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    workshop.audits_clean();
}

#[test]
fn codes_that_were_redeemed_or_expired_since_stay_their_customers() {
    let workshop = sent();
    workshop.sql("UPDATE binding SET redeemed_at = 1 WHERE customer_id = 'c1'");
    workshop.sql("UPDATE binding SET expires_at = 1 WHERE customer_id = 'c2'");
    workshop.audits_clean();
}
