//! `render`: outcomes on standard output, and their exit codes.

use serde_json::{Value, json};

use crate::shop::{Run, Shop};

fn without_timestamp(mut outcome: Value) -> Value {
    if let Some(event) = outcome["event"].as_object_mut() {
        let timestamp = event.insert("timestamp".into(), json!("…")).unwrap();
        assert!(timestamp.as_str().unwrap().ends_with('Z'));
    }
    outcome
}

#[test]
fn a_rendered_message_is_its_outcome() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let (code, outcome) = shop.render("c1", &[]);
    assert_eq!(code, Some(0));
    assert_eq!(
        without_timestamp(outcome),
        json!({"message_id": "sale/c1", "customer_id": "c1", "channel": "sms", "mode": "live", "status": "rendered",
            "parts": {"body.txt": "Hi Ada: S1"},
            "vouchers": [{"pool": "spring", "code": "S1", "source": "pool", "from": "spring", "expires_at": null,
                "metadata": {"discount": "20 %"}}],
            "event": {"type": "campaign", "timestamp": "…", "customer_id": "c1",
                "properties": {"campaign_id": "sale", "message_id": "sale/c1", "channel": "sms", "mode": "live",
                    "status": "enqueued", "reason": null, "pool": null, "message": null}}})
    );
    assert_eq!(shop.render("c1", &[]).1["parts"]["body.txt"], "Hi Ada: S1", "again the same");
}

#[test]
fn an_empty_pool_is_an_outcome_with_exit_code_3() {
    let shop = Shop::with_pool("spring", &[]);
    let (code, outcome) = shop.render("c1", &[]);
    assert_eq!(code, Some(3));
    let message = "pool 'spring' has no available voucher";
    assert_eq!(
        without_timestamp(outcome),
        json!({"message_id": "sale/c1", "customer_id": "c1", "channel": "sms", "mode": "live", "status": "enqueue_failed",
            "reason": "pool_empty", "pool": "spring", "message": message,
            "event": {"type": "campaign", "timestamp": "…", "customer_id": "c1",
                "properties": {"campaign_id": "sale", "message_id": "sale/c1", "channel": "sms", "mode": "live",
                    "status": "enqueue_failed", "reason": "pool_empty", "pool": "spring", "message": message}}})
    );
}

#[test]
fn what_is_suppressed_is_no_failure() {
    let shop = Shop::with_pool("spring", &[]);
    shop.write("templates/layer/body.html", "<b>{{ vouchers.spring.assign_available() }}</b>");
    shop.write("templates/never/body.txt", "{% abort %}");
    for (name, channel, reason) in [("layer", "web_layer", "pool_empty"), ("never", "sms", "aborted")] {
        let run =
            shop.run_with(&["render", name, "--channel", channel, "--customer", r#"{"id":"c1"}"#, "--campaign", "a"]);
        let outcome: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(run.code, Some(0));
        assert_eq!((&outcome["status"], &outcome["reason"]), (&json!("suppressed"), &json!(reason)));
        assert_eq!(outcome["event"], Value::Null);
    }
}

#[test]
fn a_wrong_template_is_exit_code_6_with_its_outcome() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("templates/unknown/body.txt", "{{ vouchers.sprng.assign_available() }}");
    shop.write("templates/syntax/body.txt", "Hi\n{{ customer.name }");
    shop.write("templates/runtime/body.txt", "{{ customer.name.no_such_method() }}");
    shop.write("templates/large/body.txt", "{% for i in range(1000) %}{{ 'x' * 10000 }}{% endfor %}");
    for (name, reason, message) in [
        (
            "unknown",
            "unknown_pool",
            "there is no pool 'sprng' (unknown/body.txt, line 1, column 13); did you mean 'spring'?",
        ),
        (
            "syntax",
            "template_error",
            "syntax/body.txt, line 2, column 18: unexpected `}`, expected end of variable block",
        ),
        ("runtime", "template_error", "runtime/body.txt, line 1"),
        ("large", "output_too_large", "the message is larger than the limit of 2097152 bytes"),
    ] {
        let customer = r#"{"id":"c1","name":"Ada"}"#;
        let run = shop.run_with(&["render", name, "--channel", "sms", "--customer", customer, "--campaign", "a"]);
        let outcome: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((run.code, &outcome["reason"]), (Some(6), &json!(reason)), "{name}");
        assert!(outcome["message"].as_str().unwrap().starts_with(message), "{name}: {outcome}");
        assert_eq!(outcome["event"]["properties"]["status"], "enqueue_failed");
        let shows_line = run.stderr.contains("\n2 | {{ customer.name }\n  |                  ^");
        assert_eq!(shows_line, name == "syntax", "{}", run.stderr);
    }
    assert_eq!(shop.json("pool show spring --json")["available"], 1, "nothing was taken");
}

#[test]
fn a_preview_touches_nothing() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let (code, outcome) = shop.render("c1", &["--mode", "preview"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        outcome,
        json!({"message_id": "sale/c1", "customer_id": "c1", "channel": "sms", "mode": "preview", "status": "rendered",
            "parts": {"body.txt": "Hi Ada: spring-preview"},
            "vouchers": [{"pool": "spring", "code": "spring-preview", "source": "pool", "from": "spring",
                "expires_at": null, "metadata": {"discount": "20 %"}}],
            "event": null})
    );
    let counts = shop.json("pool show spring --json");
    assert_eq!((&counts["available"], &counts["assigned"], &counts["reserved"]), (&json!(1), &json!(0), &json!(0)));
}

#[test]
fn a_preview_needs_no_store() {
    let shop = Shop::new();
    shop.write("templates/hi/body.txt", "Hi {{ customer.name }}");
    let run = shop.run(r#"render hi --channel sms --mode preview --part body.txt --customer {"name":"Ada"}"#);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Hi Ada\n"));
    assert_eq!(run.stderr, "warning: there is no store file 'tearoff.db', so this preview knows no pools\n");
    assert!(!shop.path("tearoff.db").exists());
}

#[test]
fn a_part_is_printed_as_it_is() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("templates/hi/body.txt", "Hi\n{{ vouchers.spring.assign_available() }}\n\n");
    let render = |part: &str| {
        let customer = r#"{"id":"c1"}"#;
        shop.run(&format!("render hi --channel sms --customer {customer} --campaign sale --part {part}"))
    };
    assert_eq!(render("body.txt").stdout.trim_end(), "Hi\nS1");
    render("body.html").fails(7, "error: --part: the message has no part 'body.html'\nhelp: it has body.txt");
    shop.ok("pool set spring --limit-total 1");
    let customer = r#"{"id":"c2"}"#;
    shop.run(&format!("render hi --channel sms --customer {customer} --campaign sale --part body.txt"))
        .fails(3, "warning: the message is enqueue_failed: a limit of pool 'spring' is reached");
}

#[test]
fn data_comes_from_files_and_standard_input() {
    let shop = Shop::new();
    shop.write("templates/hi/body.txt", "{{ customer.name }} {{ event.total }} {{ campaign.id }}");
    shop.write("ada.json", r#"{"name": "Ada"}"#);
    shop.write("event.json", r#"{"event": {"total": 12}}"#);
    let base = "render hi --channel sms --mode preview --campaign sale --part body.txt --quiet";
    assert_eq!(shop.ok(&format!("{base} --customer @ada.json --context @event.json")), "Ada 12 sale\n");
    let arguments = format!("{base} --customer @-");
    let mut command = shop.command(&arguments.split(' ').collect::<Vec<_>>());
    let run = Run::of(command.reads(r#"{"name": "Bo"}"#));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Bo  sale\n"));
}

#[test]
fn templates_come_from_the_folder_that_is_named() {
    let shop = Shop::new();
    shop.write("design/hi/body.txt", "from design");
    let render = "render hi --channel sms --mode preview --part body.txt --customer {} --templates design";
    assert_eq!(shop.ok(render), "from design\n");
}

#[test]
fn a_message_id_of_somebody_else_or_a_retired_one_is_an_error() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    assert_eq!(shop.render("c1", &["--message-id", "m1"]).0, Some(0));
    let render = |customer: &str| {
        let customer = format!(r#"{{"id":"{customer}"}}"#);
        shop.run(&format!("render hi --channel sms --message-id m1 --customer {customer}"))
    };
    render("c2")
        .fails(7, "error: the message id belongs to another customer or mode\nhelp: give another '--message-id'");
    shop.ok("voucher release --message m1");
    render("c1").fails(7, "error: the message id was released and is retired\nhelp: give another '--message-id'");
}

#[test]
fn test_messages_are_marked_and_reclaimed() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let (_, outcome) = shop.render("c1", &["--mode", "test"]);
    assert_eq!((&outcome["mode"], &outcome["status"]), (&json!("test"), &json!("rendered")));
    assert_eq!(shop.json("voucher show S1 --json")["mode"], "test");
    assert_eq!(shop.json("voucher reclaim --test --json"), json!({"reclaimed": 1}));
    assert_eq!(shop.json("pool show spring --json")["available"], 1);
    assert_eq!(shop.ok("voucher reclaim --test"), "went back: 0 vouchers\n");
}
