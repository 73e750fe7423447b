//! The forecast knows limits, rules and floors: what it says is what the run then does.

use serde_json::{Value, json};

use super::workshop::Workshop;

fn check(workshop: &Workshop) -> Value {
    workshop.json(&["campaign", "check", "campaign.toml", "--json"])
}

fn set(workshop: &Workshop, arguments: &[&str]) {
    workshop.run(&[&["pool", "set", "spring"], arguments].concat()).exits(0);
}

/// What the forecast says is needed is what the run takes, and nothing is missing.
#[track_caller]
fn takes_what_was_foretold(workshop: &Workshop, needed: u64, reasons: &Value) {
    let forecast = check(workshop);
    assert_eq!((&forecast["pools"]["spring"]["needed"], &forecast["enough"]), (&json!(needed), &json!(true)));
    let before = workshop.counts("spring")["assigned"].as_u64().unwrap();
    workshop.send(&[]);
    assert_eq!(workshop.counts("spring")["assigned"].as_u64().unwrap() - before, needed);
    assert_eq!(&workshop.report()["reasons"], reasons);
}

#[test]
fn limits_in_total_of_a_campaign_and_of_a_period() {
    for (limit, left) in [
        (["--limit-total", "70"], 70),
        (["--limit-per-campaign", "80"], 80),
        (["--limit-total", "60/month"], 60),
        (["--limit-total", "1000"], 130),
    ] {
        let workshop = Workshop::new(130, 200);
        workshop.run(&["pool", "create", "spring", limit[0], limit[1]]).exits(0);
        let reasons = if left == 130 { json!({}) } else { json!({"limit_reached": 130 - left}) };
        takes_what_was_foretold(&workshop, left, &reasons);
        assert_eq!(check(&workshop)["pools"], json!({}), "what a limit keeps back is not needed");
    }
}

#[test]
fn a_message_that_a_limit_stops_takes_nothing_at_all() {
    let workshop = Workshop::new(100, 300);
    workshop.run(&["pool", "create", "spring", "--limit-per-customer", "2"]).exits(0);
    // Every fifth wants three.
    workshop.template(
        "body.txt",
        "{% for _ in range(3 if customer.id|last in '05' else 2) %}{{ vouchers.spring.assign_available(cached=false) }}{% endfor %}",
    );
    takes_what_was_foretold(&workshop, 160, &json!({"limit_reached": 20}));
}

#[test]
fn what_was_given_before_counts() {
    let workshop = Workshop::new(50, 300);
    workshop.send(&["--limit", "20"]).exits(0);
    set(&workshop, &["--limit-total", "45"]);
    let forecast = check(&workshop);
    assert_eq!(forecast["pools"]["spring"]["needed"], 25);
    workshop.run(&["campaign", "check", "campaign.toml"]).exits(0).says("5 messages will end with limit_reached");
    workshop.send(&[]).exits(3);
    assert_eq!(workshop.report()["reasons"], json!({"limit_reached": 5}));
}

#[test]
fn who_is_not_eligible_needs_nothing() {
    let workshop = Workshop::new(100, 60);
    workshop.run(&["pool", "create", "spring", "--eligible", "customer.id|last|int < 5"]).exits(0);
    takes_what_was_foretold(&workshop, 50, &json!({"not_eligible": 50}));
    assert_eq!(workshop.lines("out/suppressed.jsonl").len(), 50);
    workshop.audits_clean();
}

#[test]
fn a_rule_of_the_campaign_file_is_the_one_that_is_judged() {
    let workshop = Workshop::new(10, 10);
    let file = workshop.read("campaign.toml");
    workshop.write("campaign.toml", &(file.clone() + "eligible = \"customer.id == 'c3'\"\n"));
    takes_what_was_foretold(&workshop, 1, &json!({"not_eligible": 9}));
    workshop.write("campaign.toml", &(file + "eligible = \"customer.id > 3\"\n"));
    let says = "pool 'spring', its setting 'eligible': line 1, column 1: customer.id is text";
    workshop.run(&["campaign", "check", "campaign.toml"]).exits(0).says(says);
}

#[test]
fn a_limited_run_is_judged_by_its_own_recipients() {
    let workshop = Workshop::new(300, 100);
    workshop.send(&["--limit", "60"]).exits(0);
    workshop.send(&["--limit", "50"]).exits(4).says("lacks 10 vouchers");
    workshop.send(&["--limit", "40"]).exits(0);
    assert_eq!(workshop.counts("spring")["assigned"], 100);
    workshop.send(&[]).exits(4).says("lacks 200 vouchers");
}

#[test]
fn a_limited_retry_is_judged_by_those_it_retries() {
    let workshop = Workshop::new(100, 40);
    workshop.send(&["--force"]).exits(3);
    workshop.codes("codes.csv", 0..60);
    workshop.send(&["--retry-failed", "--limit", "20"]).exits(3);
    assert_eq!(workshop.report()["rendered"], 60);
    workshop.send(&["--retry-failed", "--limit", "5"]).exits(4).says("lacks 5 vouchers");
}

#[test]
fn a_floor_is_kept_from_web_layers() {
    let workshop = Workshop::new(40, 50);
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("\"sms\"", "\"web_layer\""));
    workshop.template("body.html", "{{ vouchers.spring.assign_available() }}");
    workshop.run(&["pool", "create", "spring", "--floor", "20"]).exits(0);
    let spring = &check(&workshop)["pools"]["spring"];
    assert_eq!((&spring["needed"], &spring["available"], &spring["missing"]), (&json!(40), &json!(30), &json!(10)));
    workshop.send(&["--force"]);
    assert_eq!(workshop.report()["reasons"], json!({"pool_empty": 10}));
}
