//! What a run leaves behind.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::workshop::{Workshop, audience, text};

#[test]
fn everybody_gets_a_message_with_a_code_of_their_own() {
    let workshop = Workshop::new(350, 400);
    workshop.send(&[]).exits(0);
    workshop.check_all_served(350, 400);
    let mut report = workshop.report();
    assert!(report["seconds"].take().as_f64().unwrap() > 0.0);
    assert!(report["per_second"].take().as_f64().unwrap() > 0.0);
    let expected = json!({"campaign_id": "spring-2026", "recipients": 350, "rendered": 350, "enqueue_failed": 0, "suppressed": 0,
        "duplicates": 0, "reasons": {}, "vouchers": {"spring": 350}, "seconds": null, "per_second": null});
    assert_eq!(report, expected);
}

#[test]
fn messages_and_events_have_the_forms_that_others_read() {
    let workshop = Workshop::new(1, 1);
    workshop.send(&[]).exits(0);
    let message = &workshop.lines("out/messages.jsonl")[0];
    let expected = json!({"message_id": "spring-2026/c0", "customer_id": "c0", "channel": "sms", "mode": "live", "status": "rendered",
        "parts": {"body.txt": "Hi Ada 0: SPR-000000"},
        "vouchers": [{"pool": "spring", "code": "SPR-000000", "source": "pool", "from": "spring", "expires_at": null, "metadata": {}}]});
    assert_eq!(message, &expected);
    let mut event = workshop.lines("out/events.jsonl").remove(0);
    let timestamp = text(&event["timestamp"].take());
    assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "{timestamp}");
    let expected = json!({"type": "campaign", "timestamp": null, "customer_id": "c0", "properties": {"campaign_id": "spring-2026",
        "message_id": "spring-2026/c0", "channel": "sms", "mode": "live", "status": "enqueued", "reason": null, "pool": null, "message": null}});
    assert_eq!(event, expected);
}

#[test]
fn outcomes_stand_in_the_audiences_order() {
    let workshop = Workshop::new(730, 500);
    workshop.send(&["--force"]).exits(3);
    let number = |line: &serde_json::Value| text(&line["customer_id"])[1..].parse::<usize>().unwrap();
    let messages: Vec<usize> = workshop.lines("out/messages.jsonl").iter().map(number).collect();
    assert_eq!(messages, (0..500).collect::<Vec<_>>());
    let events: Vec<usize> = workshop.lines("out/events.jsonl").iter().map(number).collect();
    assert_eq!(events, (0..730).collect::<Vec<_>>());
}

#[test]
fn running_again_changes_nothing() {
    let workshop = Workshop::new(150, 200);
    workshop.send(&[]).exits(0);
    let before = (workshop.read("out/messages.jsonl"), workshop.read("out/events.jsonl"));
    workshop.send(&[]).exits(0);
    assert_eq!((workshop.read("out/messages.jsonl"), workshop.read("out/events.jsonl")), before);
    workshop.check_all_served(150, 200);
}

#[test]
fn another_folder_gets_the_same_codes() {
    let workshop = Workshop::new(150, 300);
    workshop.send(&[]).exits(0);
    workshop.run(&["campaign", "run", "campaign.toml", "--out", "again"]).exits(0);
    assert_eq!(workshop.read("again/messages.jsonl"), workshop.read("out/messages.jsonl"));
    assert_eq!(workshop.counts("spring")["assigned"], 150);
}

#[test]
fn those_who_went_without_are_served_after_an_import() {
    let workshop = Workshop::new(260, 100);
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.events("enqueue_failed").len(), 160);
    assert_eq!(workshop.report()["reasons"], json!({"pool_empty": 160}));
    let served = workshop.read("out/messages.jsonl");

    workshop.codes("more.csv", 100..200);
    workshop.run(&["pool", "import", "spring", "more.csv"]).exits(0);
    workshop.send(&["--retry-failed", "--force"]).exits(3);
    assert!(workshop.read("out/messages.jsonl").starts_with(&served), "what was there stays");
    assert_eq!(workshop.report()["rendered"], 200);
    assert_eq!(workshop.report()["enqueue_failed"], 60);

    workshop.codes("rest.csv", 200..300);
    workshop.run(&["pool", "import", "spring", "rest.csv"]).exits(0);
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.check_all_served(260, 300);
    let report = workshop.report();
    assert_eq!(
        (&report["recipients"], &report["rendered"], &report["enqueue_failed"]),
        (&json!(260), &json!(260), &json!(0))
    );
    assert_eq!(report["reasons"], json!({}));
    workshop.send(&["--retry-failed"]).exits(0);
    assert_eq!(workshop.delivered().len(), 260, "there is nobody left to retry");
}

#[test]
fn a_campaign_that_pauses_waits_for_codes_and_goes_on() {
    let workshop = Workshop::new(330, 150);
    workshop.file("when_empty = \"pause\"\nbatch = 100\n");
    workshop.send(&["--force"]).exits(3).says("spring");
    assert_eq!(workshop.delivered().len(), 150);
    assert_eq!(workshop.events("enqueue_failed").len(), 0);
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.delivered().len(), 150);

    workshop.codes("more.csv", 150..400);
    workshop.run(&["pool", "import", "spring", "more.csv"]).exits(0);
    workshop.send(&[]).exits(0);
    workshop.check_all_served(330, 400);
}

#[test]
fn a_limit_stops_early_and_the_rest_follows() {
    let workshop = Workshop::new(250, 300);
    workshop.send(&["--limit", "30"]).exits(0);
    assert_eq!(workshop.delivered().len(), 30);
    workshop.send(&["--limit", "1"]).exits(0);
    assert_eq!(workshop.delivered().len(), 31);
    workshop.send(&[]).exits(0);
    workshop.check_all_served(250, 300);
}

#[test]
fn a_customer_who_stands_there_twice_gets_one_message() {
    let workshop = Workshop::new(120, 200);
    let mut rows = audience(0..120);
    rows.push_str("c7,Ada again\nc8,And again\n");
    workshop.write("audience.csv", &rows);
    workshop.send(&[]).exits(0).says("122");
    workshop.check_all_served(120, 200);
    assert_eq!(workshop.report()["duplicates"], 2);
}

#[test]
fn a_bad_row_is_an_outcome_and_not_the_end() {
    let workshop = Workshop::new(3, 5);
    workshop.write("audience.csv", "customer_id,first_name\nc0,Ada\n,Nobody\nc1,Grace\n");
    workshop.send(&[]).exits(3);
    assert_eq!(workshop.delivered().len(), 2);
    let failed = workshop.lines("out/events.jsonl").remove(1);
    assert_eq!(failed["properties"]["reason"], "invalid_message");
    assert_eq!(failed["customer_id"], json!(null));
    assert!(text(&failed["properties"]["message"]).contains("line 3"));
    assert_eq!(workshop.report()["reasons"], json!({"invalid_message": 1}));
}

#[test]
fn an_audience_can_come_through_a_pipe() {
    let workshop = Workshop::new(0, 50);
    let toml = workshop.read("campaign.toml").replace("audience.csv", "-");
    workshop.write("campaign.toml", &toml);
    let mut child =
        workshop.command(&["campaign", "run", "campaign.toml", "--out", "out"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(audience(0..40).as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    workshop.check_all_served(40, 50);
}

#[test]
fn json_lines_bring_a_context() {
    let workshop = Workshop::new(0, 5);
    let toml = workshop.read("campaign.toml").replace("audience.csv", "audience.jsonl");
    workshop.write("campaign.toml", &toml);
    workshop.template("body.txt", "{{ customer.name }} {{ event.product }} $cst.spring.coupon$");
    workshop.write(
        "audience.jsonl",
        "{\"customer\": {\"id\": \"c0\", \"name\": \"Łucja\"}, \"context\": {\"event\": {\"product\": \"tea\"}}}\n",
    );
    workshop.send(&[]).exits(0);
    let body = text(&workshop.lines("out/messages.jsonl")[0]["parts"]["body.txt"]);
    assert!(body.starts_with("Łucja tea SPR-"), "{body}");
}

#[test]
fn a_web_layer_without_a_code_is_suppressed_without_an_event() {
    let workshop = Workshop::new(20, 5);
    workshop.template("body.html", "$cst.spring.coupon$");
    workshop.template("body.txt", "$cst.spring.coupon$");
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("\"sms\"", "\"web_layer\""));
    workshop.send(&["--force"]).exits(0);
    assert_eq!(workshop.lines("out/suppressed.jsonl").len(), 15);
    assert_eq!(workshop.lines("out/suppressed.jsonl")[0]["reason"], "pool_empty");
    assert_eq!(workshop.lines("out/events.jsonl").len(), 5);
}

#[test]
fn an_aborted_message_keeps_its_code_in_the_pool() {
    let workshop = Workshop::new(20, 20);
    workshop.template(
        "body.txt",
        "{{ vouchers.spring.assign_available() }}{% if customer.id == 'c3' %}{{ abort('unsubscribed') }}{% endif %}",
    );
    workshop.send(&[]).exits(0);
    let suppressed = &workshop.lines("out/suppressed.jsonl")[0];
    assert_eq!((&suppressed["reason"], &suppressed["message"]), (&json!("aborted"), &json!("unsubscribed")));
    assert_eq!(workshop.counts("spring")["available"], 1);
}

#[test]
fn data_that_looks_like_a_template_is_printed_as_it_is() {
    let workshop = Workshop::new(0, 5);
    let hostile = "$cst.spring.coupon$ {{ vouchers['spring'].assign_available() }} {% abort %}";
    workshop.template("body.txt", "{{ customer.first_name }}");
    workshop.write("audience.csv", &format!("customer_id,first_name\nc0,\"{hostile}\"\n"));
    workshop.send(&[]).exits(0);
    assert_eq!(workshop.lines("out/messages.jsonl")[0]["parts"]["body.txt"], hostile);
    assert_eq!(workshop.counts("spring")["available"], 5);
}

#[test]
fn the_summary_tells_the_reasons_apart_from_the_statuses() {
    let workshop = Workshop::new(3, 5);
    workshop.template("body.txt", "{% if customer.id == 'c1' %}{% abort %}{% endif %}Hi");
    let ran = workshop.send(&[]).exits(0);
    let summary = String::from_utf8_lossy(&ran.0.stdout).into_owned();
    let rows: Vec<Vec<&str>> = summary.lines().map(|row| row.split_whitespace().collect()).collect();
    for row in [vec!["enqueue_failed", "0"], vec!["suppressed", "1"], vec!["reasons", "1", "aborted"]] {
        assert!(rows.contains(&row), "{row:?} is not in:\n{summary}");
    }
}

#[test]
fn one_row_that_repeats_a_customer_is_told_in_the_singular() {
    let workshop = Workshop::new(3, 5);
    workshop.write("audience.csv", &(audience(0..3) + "c1,again\n"));
    workshop.send(&[]).exits(0).says("1 line of the audience repeats a customer and gets no message: 5");
}

#[test]
fn a_row_that_would_end_a_header_fails_alone_and_takes_no_code() {
    let workshop = Workshop::new(0, 3);
    workshop.template("subject.txt", "{{ vouchers['spring'].assign_available() }} for {{ customer.name }}\n");
    let names = ["Ada", "Eve\r\nBcc: all@evil.example", "Bo\u{0}", "Ann"];
    let rows = names.iter().enumerate().map(|(at, name)| json!({"customer": {"id": format!("c{at}"), "name": name}}));
    workshop.write("audience.jsonl", &rows.map(|row| format!("{row}\n")).collect::<String>());
    workshop.file("when_empty = \"fail\"\n");
    let file = workshop.read("campaign.toml").replace("\"sms\"", "\"email\"").replace("audience.csv", "audience.jsonl");
    workshop.write("campaign.toml", &file);
    workshop.send(&[]).exits(3);
    assert_eq!(workshop.delivered().into_keys().collect::<Vec<_>>(), ["c0", "c3"]);
    assert_eq!(workshop.events("enqueue_failed"), ["c1", "c2"]);
    assert_eq!(workshop.report()["reasons"], json!({"template_error": 2}));
    let events = workshop.read("out/events.jsonl");
    assert!(
        events.contains("sale/subject.txt, line 1, column 52: this value has a line break") && !events.contains("Bcc")
    );
    assert_eq!(workshop.counts("spring")["assigned"], 2);
    assert_eq!(workshop.counts("spring")["available"], 1);
    workshop.audits_clean();
}
