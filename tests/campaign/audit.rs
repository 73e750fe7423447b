//! What a campaign wrote, held against the store: nothing is found where nothing is wrong, and what is wrong is named.

use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    CampaignId, Channel, Claim, Claimed, Claims, CustomerId, Kept, Lease, MessageId, MessageIdentity, Mode, PoolName,
    Shown, Width,
};

use super::workshop::{Workshop, audience, text};

impl Workshop {
    #[track_caller]
    fn audit(&self, exit: i32) -> Value {
        let ran = self.run(&["audit", "--out", "out", "--json"]);
        let audit = serde_json::from_slice(&ran.0.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.errors()));
        assert_eq!(ran.0.status.code(), Some(exit), "{audit}");
        audit
    }

    #[track_caller]
    pub(crate) fn audits_clean(&self) -> Value {
        let audit = self.audit(0);
        assert_eq!(audit["discrepancies"], json!([]));
        audit["checked"].clone()
    }

    /// The discrepancies: kind, place, message and pool.
    #[track_caller]
    fn found(&self) -> Vec<String> {
        let audit = self.audit(1);
        let tell = |found: &Value| {
            assert!(!text(&found["problem"]).is_empty() && !text(&found["remedy"]).is_empty());
            let place = [&found["kind"], &found["file"], &found["line"], &found["message_id"], &found["pool"]];
            place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).join(" ")
        };
        audit["discrepancies"].as_array().unwrap().iter().map(tell).collect()
    }

    /// Changes the lines of a file.
    fn edit(&self, file: &str, change: impl FnOnce(&mut Vec<String>)) {
        let mut lines: Vec<String> = self.read(file).lines().map(str::to_owned).collect();
        change(&mut lines);
        self.write(file, &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }

    fn sql(&self, statement: &str) {
        let changed = Connection::open(self.path("tearoff.db")).unwrap().execute(statement, []).unwrap();
        assert!(changed > 0, "{statement}");
    }

    /// Claims for a message of the campaign, as another program would, and settles what it got.
    fn claim(&self, customer: &str, width: Width, settle: bool) {
        let message = Arc::new(MessageIdentity {
            message_id: MessageId::new(format!("spring-2026/{customer}")).unwrap(),
            customer_id: CustomerId::new(customer).unwrap(),
            campaign_id: Some(CampaignId::new("spring-2026").unwrap()),
            channel: Channel::Sms,
            mode: Mode::Live,
        });
        let claim = Claim { pool: PoolName::new("spring").unwrap(), width, message: Arc::clone(&message) };
        let store = SqliteStore::open(self.path("tearoff.db"), "default").unwrap();
        let lease = Lease::new(Lease::TIME);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let claimed = store.reserve(&lease, std::slice::from_ref(&claim)).await.unwrap().remove(0);
            let Claimed::Bound(binding) = claimed else { panic!("{claimed:?}") };
            if settle {
                let shown =
                    Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code.clone() };
                store.settle(&lease, &[Kept { message, shown: vec![shown] }]).await.unwrap();
            }
        });
    }
}

/// Twelve recipients with a code each.
fn sent() -> Workshop {
    let workshop = Workshop::new(12, 20);
    workshop.send(&[]).exits(0);
    workshop
}

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
    workshop.sql("UPDATE binding SET message_id = 'other', claim_key = 'message:other' WHERE customer_id = 'c5'");
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
        let failed =
            |line: &str| line.replace("\"enqueued\",\"reason\":null", "\"enqueue_failed\",\"reason\":\"pool_empty\"");
        lines[2] = failed(&lines[2]);
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

fn sorted<T: Into<String>>(rows: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut rows: Vec<String> = rows.into_iter().map(Into::into).collect();
    rows.sort();
    rows
}
