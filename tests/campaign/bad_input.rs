//! Bad input: an error that names file, line, field and remedy, its own exit code, and nothing changed.

use super::workshop::{Workshop, audience};

/// Runs the campaign, which must fail with `code`, say all `parts`, and leave neither store nor folder behind.
#[track_caller]
fn refused(workshop: &Workshop, code: i32, parts: &[&str]) {
    let mut ran = workshop.send(&[]).exits(code);
    for part in parts {
        ran = ran.says(part);
    }
    assert!(!workshop.exists("out"), "there is an output folder");
    assert!(!workshop.exists("tearoff.db"), "there is a store");
}

fn with_audience(text: &str) -> Workshop {
    let workshop = Workshop::new(0, 5);
    workshop.write("audience.csv", text);
    workshop
}

#[test]
fn an_audience_without_customer_id() {
    refused(&with_audience("id,first_name\nc0,Ada\n"), 7, &["audience.csv", "customer_id"]);
}

#[test]
fn an_audience_with_a_broken_quote() {
    refused(&with_audience("customer_id,first_name\nc0,Ada\nc1,\"Grace\nc2,Alan\n"), 7, &["audience.csv:3"]);
}

#[test]
fn an_audience_that_is_not_utf8() {
    let workshop = Workshop::new(0, 5);
    std::fs::write(workshop.path("audience.csv"), b"customer_id,first_name\nc0,Ren\xe9\n").unwrap();
    refused(&workshop, 7, &["audience.csv:2", "UTF-8"]);
}

#[test]
fn an_audience_that_is_not_there() {
    let workshop = Workshop::new(0, 5);
    std::fs::remove_file(workshop.path("audience.csv")).unwrap();
    refused(&workshop, 7, &["audience.csv"]);
}

#[test]
fn a_campaign_file_with_an_unknown_key() {
    let workshop = Workshop::new(1, 1);
    workshop.file("audeince = \"x\"\n");
    refused(&workshop, 7, &["campaign.toml", "audeince", "audience"]);
}

#[test]
fn a_missing_template() {
    let workshop = Workshop::new(1, 1);
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("\"sale\"", "\"slae\""));
    refused(&workshop, 7, &["slae", "did you mean 'sale'?"]);
}

#[test]
fn an_unknown_channel() {
    let workshop = Workshop::new(1, 1);
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("\"sms\"", "\"smss\""));
    refused(&workshop, 7, &["campaign.toml", "smss"]);
}

#[test]
fn a_pool_name_with_spaces() {
    let workshop = Workshop::new(1, 1);
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("pools.spring", "pools.\"spring sale\""));
    refused(&workshop, 7, &["campaign.toml", "spring sale", "spring-sale"]);
}

#[test]
fn a_template_with_a_syntax_error() {
    let workshop = Workshop::new(1, 1);
    workshop.template("body.txt", "Hi\n{% if customer.vip %}");
    refused(&workshop, 6, &["sale/body.txt, line 2"]);
}

#[test]
fn a_template_that_fails_for_everybody() {
    let workshop = Workshop::new(20, 20);
    workshop.template("body.txt", "{{ customer.first_name.nope() }}");
    workshop.send(&[]).exits(6).says("sale/body.txt, line 1");
    assert!(!workshop.exists("out"));
}

#[test]
fn codes_that_are_in_another_pool_are_counted_and_the_rest_is_imported() {
    let workshop = Workshop::new(5, 20);
    workshop.codes("other.csv", 0..4);
    workshop.run(&["pool", "import", "other", "other.csv"]).exits(0);
    workshop.send(&[]).exits(0);
    assert_eq!(workshop.counts("spring")["total"], 16);
    assert_eq!(workshop.counts("other")["total"], 4);
}

#[test]
fn a_code_file_that_is_broken_imports_nothing() {
    let workshop = Workshop::new(1, 1);
    workshop.write("codes.csv", "code,note\nA1,x\nA2,\"y\n");
    refused(&workshop, 7, &["codes.csv:3"]);
}

#[test]
fn an_output_folder_of_another_campaign() {
    let workshop = Workshop::new(3, 10);
    workshop.send(&[]).exits(0);
    let before = workshop.read("out/messages.jsonl");
    workshop.write("campaign.toml", &workshop.read("campaign.toml").replace("spring-2026", "summer-2026"));
    workshop.send(&[]).exits(7).says("spring-2026").says("out");
    assert_eq!(workshop.read("out/messages.jsonl"), before);
}

#[test]
fn an_output_folder_with_files_of_somebody_else() {
    let workshop = Workshop::new(1, 1);
    std::fs::create_dir(workshop.path("out")).unwrap();
    workshop.write("out/messages.jsonl", "mine\n");
    workshop.send(&[]).exits(7).says("checkpoint.json");
    assert_eq!(workshop.read("out/messages.jsonl"), "mine\n");
}

#[test]
fn a_template_that_changed_since() {
    let workshop = Workshop::new(50, 60);
    workshop.send(&["--limit", "10"]).exits(0);
    workshop.template("body.txt", "Hello: $cst.spring.coupon$");
    workshop.send(&[]).exits(7).says("template changed");
    assert_eq!(workshop.delivered().len(), 10);
}

#[test]
fn an_audience_that_changed_since() {
    let workshop = Workshop::new(50, 60);
    workshop.send(&["--limit", "10"]).exits(0);
    workshop.write("audience.csv", &audience(0..50).replace("Ada 3\n", "Eva 3\n"));
    workshop.send(&[]).exits(7).says("audience").says("changed");
    workshop.write("audience.csv", &audience(0..5));
    workshop.send(&[]).exits(7);
    assert_eq!(workshop.delivered().len(), 10);
    workshop.write("audience.csv", &audience(0..50));
    workshop.send(&[]).exits(0);
    workshop.check_all_served(50, 60);
}

#[test]
fn text_that_is_compared_with_a_number() {
    let workshop = Workshop::new(0, 5);
    workshop.template("body.txt", "{% if customer.ltv > 100 %}x{% endif %}");
    workshop.write("audience.csv", "customer_id,ltv\nc0,250\n");
    workshop.send(&[]).exits(6).says("customer.ltv").says("line 1, column 7");
    workshop.file("columns = { ltv = \"number\" }\n");
    workshop.send(&[]).exits(0);
}

#[test]
fn a_column_that_is_not_what_it_says() {
    let workshop = Workshop::new(0, 5);
    workshop.file("columns = { ltv = \"number\" }\n");
    workshop.write("audience.csv", "customer_id,ltv\nc0,much\nc1,3\n");
    workshop.send(&[]).exits(3);
    let failed = &workshop.lines("out/events.jsonl")[0];
    let message = failed["properties"]["message"].as_str().unwrap();
    assert!(message.contains("ltv") && message.contains("line 2") && !message.contains("much"), "{message}");
}

#[test]
fn no_error_and_no_log_shows_a_code_or_a_customer() {
    let workshop = Workshop::new(0, 3);
    workshop.write(
        "audience.csv",
        "customer_id,first_name\nada@example.com,CANARY\nada@example.com,CANARY\n,CANARY\ngrace@example.com,CANARY\n",
    );
    workshop.template("body.txt", "$cst.spring.coupon$ {% if customer.id[0] == 'g' %}{{ customer.first_name|int }}{{ customer.first_name + 1 }}{% endif %}");
    // The canary holds what is said to it, as it does in every test: here the audience gives it something to say.
    workshop.send(&["-v"]).exits(3);
}

#[test]
fn an_output_folder_that_is_a_file() {
    let workshop = Workshop::new(1, 1);
    workshop.write("out", "mine");
    workshop.send(&[]).exits(7).says("out is a file, not a folder");
    assert_eq!(workshop.read("out"), "mine");
    assert!(!workshop.exists("tearoff.db"));
}
