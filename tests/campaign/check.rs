//! The forecast: exact, through every branch, without touching a pool.

use serde_json::json;

use super::workshop::{Workshop, audience};

fn check(workshop: &Workshop) -> serde_json::Value {
    workshop.json(&["campaign", "check", "campaign.toml", "--json"])
}

#[test]
fn the_forecast_is_what_the_run_then_takes() {
    let workshop = Workshop::new(300, 400);
    workshop.template(
        "body.txt",
        "{% if customer.id|length == 4 %}{{ vouchers.spring.assign_available() }}{% endif %}\
         {% for _ in range(customer.id|last|int) %}{{ vouchers.spring.assign_available(cached=false) }}{% endfor %}",
    );
    workshop.codes("codes.csv", 0..2000);
    let forecast = check(&workshop);
    let needed = 200 + 30 * 45;
    assert_eq!(forecast["pools"]["spring"], json!({"needed": needed, "available": 2000, "missing": 0, "dry_at": null}));
    assert_eq!((&forecast["recipients"], &forecast["enough"]), (&json!(300), &json!(true)));
    workshop.send(&[]).exits(0);
    assert_eq!(workshop.counts("spring")["assigned"], needed);
    assert_eq!(check(&workshop)["pools"], json!({}), "what is bound is not needed again");
}

#[test]
fn a_pool_that_is_too_small_stops_the_run_before_anything_happens() {
    let workshop = Workshop::new(130, 100);
    let forecast = check(&workshop);
    let expected =
        json!({"needed": 130, "available": 100, "missing": 30, "dry_at": {"row": 101, "customer_id": "c100"}});
    assert_eq!(forecast["pools"]["spring"], expected);
    assert!(!workshop.exists("tearoff.db"), "a check makes no store");
    workshop.run(&["campaign", "check", "campaign.toml"]).exits(4);
    workshop.send(&[]).exits(4).says("30");
    assert!(!workshop.exists("out") && !workshop.exists("tearoff.db"), "nothing was touched");
}

#[test]
fn only_what_is_still_needed_counts() {
    let workshop = Workshop::new(100, 150);
    workshop.send(&["--limit", "60"]).exits(0);
    let forecast = check(&workshop);
    assert_eq!(forecast["pools"]["spring"], json!({"needed": 40, "available": 90, "missing": 0, "dry_at": null}));
    assert_eq!(forecast["recipients"], 100);
}

#[test]
fn the_forecast_finds_the_recipient_where_it_runs_dry_through_branches() {
    let workshop = Workshop::new(200, 10);
    workshop
        .template("body.txt", "{% if customer.id|last == '5' %}{{ vouchers.spring.assign_available() }}{% endif %}.");
    let forecast = check(&workshop);
    assert_eq!(forecast["pools"]["spring"]["dry_at"], json!({"row": 106, "customer_id": "c105"}));
    assert_eq!(forecast["pools"]["spring"]["missing"], 10);
}

#[test]
fn an_overflow_pool_and_a_fallback_code_count() {
    let workshop = Workshop::new(30, 10);
    workshop.codes("more.csv", 100..115);
    workshop.run(&["pool", "import", "reserve", "more.csv"]).exits(0);
    workshop.run(&["pool", "import", "spring", "codes.csv"]).exits(0);
    workshop.run(&["pool", "set", "spring", "--overflow", "reserve"]).exits(0);
    let forecast = check(&workshop);
    assert_eq!(forecast["pools"]["spring"]["missing"], 5);
    assert_eq!(forecast["pools"]["spring"]["dry_at"]["row"], 26);
    workshop.run(&["pool", "set", "reserve", "--fallback", "SPRING10"]).exits(0);
    assert_eq!(check(&workshop)["enough"], true);
    workshop.send(&[]).exits(0);
    let sources = |source: &str| {
        workshop.lines("out/messages.jsonl").iter().filter(|message| message["vouchers"][0]["source"] == source).count()
    };
    assert_eq!((sources("pool"), sources("overflow"), sources("fallback")), (10, 15, 5));
}

#[test]
fn names_that_nobody_has_are_told_with_the_nearest_one() {
    let workshop = Workshop::new(40, 50);
    workshop.template(
        "body.txt",
        "{{ customer.frist_name }}{{ customer.nick|default('you') }}{{ customer.first_name }} $cst.spring.coupon$",
    );
    let forecast = check(&workshop);
    let expected =
        json!([{"name": "customer.frist_name", "missing": 40, "recipients": 40, "suggestion": "first_name"}]);
    assert_eq!(forecast["missing_attributes"], expected);
    workshop.run(&["campaign", "check", "campaign.toml"]).exits(0).says("frist_name");
}

#[test]
fn codes_that_are_imported_before_the_run_are_counted_once() {
    let workshop = Workshop::new(10, 60);
    workshop.codes("part.csv", 0..25);
    workshop.run(&["pool", "import", "spring", "part.csv"]).exits(0);
    assert_eq!(check(&workshop)["pools"]["spring"]["available"], 60);
}

#[test]
fn a_literal_unknown_pool_shows_before_the_first_message() {
    let workshop = Workshop::new(5, 5);
    workshop.template("body.txt", "{% if false %}\n  {{ vouchers['sprin'].assign_available() }}{% endif %}");
    for command in ["check", "run"] {
        let out: &[&str] = if command == "run" { &["--out", "out"] } else { &[] };
        let ran = workshop.run(&[&["campaign", command, "campaign.toml"], out].concat()).exits(6);
        ran.says("sale/body.txt, line 2, column 15").says("did you mean 'spring'?");
    }
    assert!(!workshop.exists("out"));
}

#[test]
fn the_same_customer_twice_needs_one_code() {
    let workshop = Workshop::new(10, 20);
    workshop.write("audience.csv", &(audience(0..10) + "c3,again\n"));
    let forecast = check(&workshop);
    assert_eq!((&forecast["recipients"], &forecast["pools"]["spring"]["needed"]), (&json!(10), &json!(10)));
}

#[test]
fn a_code_in_the_imports_of_two_pools_is_counted_where_it_will_be() {
    let workshop = Workshop::new(10, 10);
    workshop.template("body.txt", "{{ vouchers.spring.assign_available() }} {{ vouchers.vip.assign_available() }}");
    workshop.codes("vip.csv", 5..15);
    workshop.write("campaign.toml", &(workshop.read("campaign.toml") + "[pools.vip]\nimport = \"vip.csv\"\n"));
    let forecast = check(&workshop);
    assert_eq!(
        (&forecast["pools"]["spring"]["available"], &forecast["pools"]["vip"]["available"]),
        (&json!(10), &json!(5))
    );
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.report()["enqueue_failed"], forecast["pools"]["vip"]["missing"]);
}

#[test]
fn codes_that_come_into_a_pool_whose_time_is_over_do_not_count() {
    let workshop = Workshop::new(10, 10);
    workshop.run(&["pool", "create", "spring", "--expires-at", "2020-01-01"]).exits(0);
    let forecast = check(&workshop);
    assert_eq!(
        (&forecast["pools"]["spring"]["available"], &forecast["pools"]["spring"]["missing"]),
        (&json!(0), &json!(10))
    );
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.report()["reasons"], json!({"pool_empty": 10}));
}

#[test]
fn a_paused_overflow_pool_gives_neither_codes_nor_its_fallback() {
    let workshop = Workshop::new(10, 4);
    workshop.run(&["pool", "create", "reserve", "--fallback", "SORRY"]).exits(0);
    workshop.run(&["pool", "pause", "reserve"]).exits(0);
    workshop.run(&["pool", "create", "spring", "--overflow", "reserve"]).exits(0);
    assert_eq!(check(&workshop)["pools"]["spring"]["missing"], 6);
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.report()["reasons"], json!({"pool_empty": 6}));
}

#[test]
fn a_table_with_tabs_is_read_by_its_name() {
    let workshop = Workshop::new(0, 4);
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("audience.csv", "audience.tsv"));
    workshop.write("audience.tsv", "customer_id\tlast name, first name\nc0\tLovelace, Ada\n");
    assert_eq!(check(&workshop)["recipients"], 1);
    workshop.write("codes.tsv", "code\tvalue, in EUR, net\nA\t5\n");
    workshop.run(&["pool", "import", "summer", "codes.tsv"]).exits(0);
    assert_eq!(workshop.counts("summer")["available"], 1);
}

#[test]
fn a_look_without_the_audience_names_the_pools_as_json_on_demand() {
    let workshop = Workshop::new(5, 5);
    workshop.template("body.txt", "Hi,\n{{ vouchers['spring'].assign_available() }}");
    let pools = workshop.json(&["campaign", "check", "campaign.toml", "--static", "--json"]);
    assert_eq!(pools, json!([{"pool": "spring", "file": "sale/body.txt", "line": 2, "column": 13}]));
}

#[test]
fn an_overflow_pool_that_is_not_there_shows_before_the_first_message() {
    let workshop = Workshop::new(5, 5);
    let file = workshop.read("campaign.toml");
    workshop.write("campaign.toml", &(file.clone() + "overflow = \"rest\"\n"));
    for command in [&["check"][..], &["check", "--static"], &["run", "--out", "out"]] {
        let ran = workshop.run(&[&["campaign"], command, &["campaign.toml"]].concat()).exits(7);
        ran.says("the overflow pool 'rest' of 'spring' does not exist");
    }
    assert!(!workshop.exists("out") && !workshop.exists("tearoff.db"), "nothing was touched");
    workshop.write("campaign.toml", &(file + "overflow = \"rest\"\n\n[pools.rest]\n"));
    workshop.send(&[]).exits(0);
}

#[test]
fn overflow_pools_in_a_circle_show_before_the_first_message() {
    let workshop = Workshop::new(5, 5);
    let circle = "overflow = \"x\"\n\n[pools.x]\noverflow = \"y\"\n\n[pools.y]\noverflow = \"x\"\n";
    workshop.write("campaign.toml", &(workshop.read("campaign.toml") + circle));
    workshop
        .run(&["campaign", "check", "campaign.toml"])
        .exits(7)
        .says("the overflow pools of 'spring' lead back to 'x'");
    workshop.send(&[]).exits(7);
    assert!(!workshop.exists("tearoff.db"), "nothing was touched");
}
