//! Files that contradict each other, or are not whole.

use super::sent;
use crate::workshop::{Workshop, text};

#[test]
fn lines_that_were_deleted() {
    let workshop = sent();
    workshop.edit("out/messages.jsonl", |lines| drop(lines.remove(4)));
    let missing = [
        "cut messages.jsonl null null null",
        "no_message events.jsonl 5 spring-2026/c4 null",
        "count report.json null null null",
        "count report.json null null spring",
        "not_shown events.jsonl 5 spring-2026/c4 spring",
    ];
    assert_eq!(workshop.found(), missing);

    let workshop = sent();
    workshop.edit("out/events.jsonl", |lines| drop(lines.remove(4)));
    let expected = ["cut events.jsonl null null null", "no_event messages.jsonl 5 spring-2026/c4 null"];
    assert_eq!(workshop.found(), expected);
}

#[test]
fn lines_that_stand_there_twice() {
    let workshop = Workshop::new(6, 4);
    workshop.send(&["--force"]).exits(3);
    let codes = workshop.delivered();
    workshop.edit("out/messages.jsonl", |lines| {
        lines.push(lines[0].clone());
        lines.push(lines[1].replace(&codes["c1"][0], "OTHER-1"));
    });
    workshop.edit("out/events.jsonl", |lines| {
        lines.push(lines[5].clone());
        lines.push(lines[0].clone());
    });
    let expected = [
        "unfinished messages.jsonl null null null",
        "unfinished events.jsonl null null null",
        "event_twice events.jsonl 7 spring-2026/c5 null",
        "event_twice events.jsonl 8 spring-2026/c0 null",
        "rendered_twice messages.jsonl 5 spring-2026/c0 null",
        "rendered_twice messages.jsonl 6 spring-2026/c1 null",
        "unknown_code messages.jsonl 6 spring-2026/c1 spring",
    ];
    assert_eq!(workshop.found(), expected);
    let told = workshop.audit(1);
    let problem = |row: usize| text(&told["discrepancies"][row]["problem"]);
    assert!(
        problem(4).ends_with("in line 1, with the same codes") && problem(5).ends_with("in line 2, with other codes")
    );
}

#[test]
fn a_recipient_with_two_outcomes() {
    let workshop = Workshop::new(6, 10);
    workshop.template(
        "body.txt",
        "{% if customer.id == 'c5' %}{% abort %}{% endif %}{{ vouchers.spring.assign_available() }}",
    );
    workshop.send(&["--force"]).exits(0);
    let (messages, suppressed) = (workshop.read("out/messages.jsonl"), workshop.read("out/suppressed.jsonl"));
    let of = |customer: &str| suppressed.replace("c5", customer);
    workshop.write("out/suppressed.jsonl", &format!("{suppressed}{suppressed}{}", of("c1")));
    workshop.edit("out/events.jsonl", |lines| {
        lines[2] = lines[2].replace("\"enqueued\",\"reason\":null", "\"enqueue_failed\",\"reason\":\"pool_empty\"");
        lines.push(lines[0].replace("c0", "c5"));
    });
    assert_eq!(messages.lines().count(), 5);
    let expected = [
        "two_outcomes suppressed.jsonl 2 spring-2026/c5 null",
        "two_outcomes messages.jsonl 2 spring-2026/c1 null",
        "two_outcomes messages.jsonl 3 spring-2026/c2 null",
        "two_outcomes events.jsonl 6 spring-2026/c5 null",
    ];
    let found = workshop.found();
    assert_eq!(found.iter().filter(|row| row.starts_with("two_outcomes")).collect::<Vec<_>>(), expected);
    assert!(found.iter().any(|row| row.starts_with("count report.json")), "{found:?}");
}

#[test]
fn files_that_are_cut_or_broken() {
    let workshop = sent();
    workshop.edit("out/events.jsonl", |lines| lines[3] = "{\"type\": 7".to_owned());
    let mut bytes = std::fs::read(workshop.path("out/messages.jsonl")).unwrap();
    bytes.truncate(bytes.len() - 10);
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    bytes[line + 5] = 0xff;
    std::fs::write(workshop.path("out/messages.jsonl"), bytes).unwrap();
    workshop.write("out/report.json", "[]");
    std::fs::remove_file(workshop.path("out/suppressed.jsonl")).unwrap();
    let found = workshop.found();
    let expected = [
        "broken report.json null null null",
        "cut messages.jsonl null null null",
        "cut events.jsonl null null null",
        "missing_file suppressed.jsonl null null null",
        "broken events.jsonl 4 null null",
        "broken messages.jsonl 2 null null",
        "cut messages.jsonl 12 null null",
        "no_event messages.jsonl 4 spring-2026/c3 null",
    ];
    assert_eq!(found[..8], expected);
}

#[test]
fn a_folder_without_its_checkpoint_is_known_by_its_other_files() {
    let workshop = sent();
    std::fs::remove_file(workshop.path("out/checkpoint.json")).unwrap();
    let missing = "missing_file checkpoint.json null null null";
    assert_eq!(workshop.found(), [missing]);
    workshop.write("out/report.json", "");
    assert_eq!(workshop.found(), [missing, "broken report.json null null null"]);
    workshop.write("out/checkpoint.json", "{");
    assert_eq!(workshop.found(), ["broken checkpoint.json null null null", "broken report.json null null null"]);
}

#[test]
fn lines_and_a_report_of_another_campaign() {
    let workshop = sent();
    workshop.edit("out/events.jsonl", |lines| lines[1] = lines[1].replace("\"spring-2026\"", "\"autumn-2026\""));
    workshop.edit("out/messages.jsonl", |lines| {
        lines[0] = lines[0].replace("\"customer_id\":\"c0\"", "\"customer_id\":\"x0\"");
    });
    workshop.write("out/report.json", &workshop.read("out/report.json").replace("spring-2026", "autumn-2026"));
    let found = workshop.found();
    for row in [
        "foreign report.json null null null",
        "foreign events.jsonl 2 spring-2026/c1 null",
        "foreign messages.jsonl 1 spring-2026/c0 null",
        "other_customer messages.jsonl 1 spring-2026/c0 spring",
        "no_message events.jsonl 1 spring-2026/c0 null",
    ] {
        assert!(found.iter().any(|found| found == row), "{row}: {found:?}");
    }
}

#[test]
fn counts_that_the_files_do_not_bear_out() {
    let workshop = Workshop::new(6, 4);
    workshop.send(&["--force"]).exits(3);
    let report = workshop.read("out/report.json");
    let changed =
        report.replace("\"rendered\": 4", "\"rendered\": 5").replace("\"pool_empty\": 2", "\"pool_empty\": 1");
    workshop.write("out/report.json", &changed.replace("\"spring\": 4", "\"spring\": 9"));
    let problems: Vec<String> =
        workshop.audit(1)["discrepancies"].as_array().unwrap().iter().map(|found| text(&found["problem"])).collect();
    let expected = [
        "rendered: the report says 5, the files hold 4",
        "reason pool_empty: the report says 1, the files hold 2",
        "vouchers: the report says 9, the files hold 4",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn people_read_a_row_for_each_and_no_code() {
    let workshop = sent();
    let codes = workshop.delivered();
    workshop.run(&["voucher", "release", "--message", "spring-2026/c3"]).exits(0);
    let ran = workshop.run(&["audit", "--out", "out"]).exits(1);
    let told = String::from_utf8(ran.0.stdout.clone()).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0].starts_with("KIND") && lines[1].starts_with("given_back  messages.jsonl:4  spring-2026/c3  spring"),
        "{told}"
    );
    assert!(!told.contains(&codes["c3"][0]));
    ran.says("help: given_back: do not deliver this message")
        .says("1 discrepancy in 12 messages, 12 events, 12 codes, 0 suppressed, and 20 vouchers of the store");
}

#[test]
fn what_is_no_output_of_a_campaign() {
    let workshop = sent();
    workshop.run(&["audit", "--out", "none"]).exits(7).says("there is no folder 'none'");
    workshop.run(&["audit", "--out", "templates"]).exits(7).says("templates holds no output of a campaign");
    workshop.run(&["--store", "sqlite:none.db", "audit", "--out", "out"]).exits(7).says("none.db");
    let ran = workshop.run(&["--project", "other", "audit", "--out", "out"]).exits(1);
    assert_eq!(String::from_utf8(ran.0.stdout).unwrap().matches("unknown_code").count(), 12);
}
