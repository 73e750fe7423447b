//! Runs that follow one another into the same folder, while audience and pools change in between.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::workshop::{Ran, Workshop, audience, text};

/// A campaign of 20 with 10 codes, of whom 10 went without and for whom 30 codes came in since.
fn with_ten_to_retry() -> Workshop {
    let workshop = Workshop::new(20, 10);
    workshop.send(&["--force"]).exits(3);
    workshop.codes("codes.csv", 0..40);
    workshop
}

#[test]
fn rows_that_were_added_are_left_to_the_run_after_a_retry() {
    let workshop = with_ten_to_retry();
    workshop.write("audience.csv", &audience(0..25));
    workshop.send(&["--retry-failed"]).exits(0);
    assert_eq!(workshop.delivered().len(), 20);
    workshop.send(&[]).exits(0);
    workshop.check_all_served(25, 40);
    assert_eq!(workshop.report()["recipients"], 25);
}

#[test]
fn a_retry_wants_the_audience_that_was_rendered() {
    let workshop = with_ten_to_retry();
    let before = workshop.read("out/messages.jsonl");
    for changed in [audience(0..20).replace("Ada 15", "Eve 15"), audience(0..19)] {
        workshop.write("audience.csv", &changed);
        workshop.send(&["--retry-failed", "--force"]).exits(7).says("the audience changed");
        assert_eq!(workshop.read("out/messages.jsonl"), before);
    }
    workshop.write("audience.csv", &audience(0..20));
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.check_all_served(20, 40);
}

#[test]
fn a_pipe_can_be_sent_again_for_a_retry() {
    let workshop = Workshop::new(0, 10);
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("audience.csv", "-"));
    let send = |rows: std::ops::Range<usize>, more: &[&str]| {
        let mut command = workshop.command(&[&["campaign", "run", "campaign.toml", "--out", "out"], more].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(audience(rows).as_bytes()).unwrap();
        Ran(child.wait_with_output().unwrap())
    };
    send(0..20, &[]).exits(3);
    workshop.codes("codes.csv", 0..40);
    send(0..19, &["--retry-failed"]).exits(7).says("the audience changed");
    send(0..25, &["--retry-failed"]).exits(0);
    send(0..25, &[]).exits(0);
    workshop.check_all_served(25, 40);
}

#[test]
fn who_is_suppressed_in_a_retry_is_not_retried_again() {
    let workshop = Workshop::new(20, 10);
    workshop.template(
        "body.txt",
        "{{ vouchers.spring.assign_available() }}\
         {% if vouchers.spring.count_total() > 10 and customer.id == 'c15' %}{{ abort('too late') }}{% endif %}",
    );
    workshop.send(&["--force"]).exits(3);
    workshop.codes("codes.csv", 0..40);
    for _ in 0..2 {
        workshop.send(&["--retry-failed"]).exits(0);
        assert_eq!(workshop.lines("out/suppressed.jsonl").len(), 1);
        let report = workshop.report();
        let counts = ["recipients", "rendered", "enqueue_failed", "suppressed"].map(|name| report[name].clone());
        assert_eq!(counts, [json!(20), json!(19), json!(0), json!(1)]);
        assert_eq!(report["reasons"], json!({"aborted": 1}));
    }
}

#[test]
fn a_retry_whose_limit_was_the_number_of_the_failed_is_over() {
    let workshop = Workshop::new(20, 10);
    workshop.send(&["--force"]).exits(3);
    workshop.send(&["--force", "--retry-failed", "--limit", "10"]).exits(3);
    workshop.codes("codes.csv", 0..40);
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.check_all_served(20, 40);
}

#[test]
fn a_limit_that_is_the_whole_audience_leaves_nobody_out() {
    let workshop = Workshop::new(20, 10);
    workshop.send(&["--force", "--limit", "20"]).exits(3);
    workshop.codes("codes.csv", 0..40);
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.check_all_served(20, 40);
}

#[test]
fn a_retry_of_nobody_changes_nothing() {
    let workshop = Workshop::new(20, 30);
    workshop.send(&[]).exits(0);
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.send(&[]).exits(0);
    workshop.check_all_served(20, 30);
    assert_eq!(workshop.report()["recipients"], 20);
}

#[test]
fn rows_that_were_added_come_before_a_retry() {
    let workshop = with_ten_to_retry();
    workshop.write("audience.csv", &audience(0..25));
    workshop.send(&["--limit", "1"]).exits(3);
    workshop.send(&["--retry-failed"]).exits(7).says("without --retry-failed");
    workshop.send(&[]).exits(3);
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.check_all_served(25, 40);
}

#[test]
fn duplicates_before_a_pause_are_counted_once() {
    let workshop = Workshop::new(0, 4);
    workshop.write("audience.csv", "customer_id,first_name\nc0,A\nc0,B\nc1,C\nc2,D\nc0,E\nc3,F\nc4,G\nc1,H\nc5,I\n");
    workshop.file("when_empty = \"pause\"\nbatch = 100\n");
    workshop.send(&["--force"]).exits(3);
    assert_eq!(workshop.report()["duplicates"], 2);
    workshop.codes("codes.csv", 0..10);
    workshop.send(&[]).exits(0);
    assert_eq!((&workshop.report()["duplicates"], &workshop.report()["recipients"]), (&json!(3), &json!(6)));
}

#[test]
fn a_run_that_ended_before_its_first_checkpoint_can_be_run_again() {
    let workshop = Workshop::new(3, 5);
    std::fs::create_dir(workshop.path("out")).unwrap();
    let nowhere = workshop.path("nowhere/suppressed.jsonl");
    std::os::unix::fs::symlink(nowhere, workshop.path("out/suppressed.jsonl")).unwrap();
    workshop.send(&[]).exits(1).says("suppressed.jsonl");
    std::fs::remove_file(workshop.path("out/suppressed.jsonl")).unwrap();
    workshop.send(&[]).exits(0);
    workshop.check_all_served(3, 5);
}

#[test]
fn suppressed_messages_of_somebody_else_are_left_alone() {
    let workshop = Workshop::new(3, 5);
    std::fs::create_dir(workshop.path("out")).unwrap();
    workshop.write("out/suppressed.jsonl", "{\"mine\": true}\n");
    workshop.send(&[]).exits(7).says("no checkpoint.json");
    assert_eq!(workshop.read("out/suppressed.jsonl"), "{\"mine\": true}\n");
}

#[test]
fn a_web_layer_goes_without_only_where_no_later_one_gives_its_code_back() {
    let workshop = Workshop::new(60, 12);
    let template = "{{ vouchers.spring.assign_available() }}{% if customer.id|last == '9' %}{{ abort() }}{% endif %}";
    workshop.template("body.html", template);
    workshop.file("batch = 4\n");
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("\"sms\"", "\"web_layer\""));
    workshop.send(&["--force"]).exits(0);
    let served: Vec<String> =
        workshop.lines("out/messages.jsonl").iter().map(|message| text(&message["customer_id"])).collect();
    let expected: Vec<String> = (0..13).filter(|number| number % 10 != 9).map(|number| format!("c{number}")).collect();
    assert_eq!(served, expected);
}
