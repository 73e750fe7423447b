//! What several campaigns, and several machines, share: the same promises and the same answers as a file of one's own.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::canary::Program;
use crate::servers::Server;
use crate::workshop::{Workshop, audience, text};

/// A campaign of its own name for these customers, on the server.
fn campaign(server: &Server, id: &str, customers: std::ops::Range<usize>, codes: usize) -> Workshop {
    let workshop = Workshop::new(0, codes);
    workshop.write("tearoff.toml", &format!("store = \"{}\"\n", server.url()));
    workshop.write("audience.csv", &audience(customers));
    let file = workshop.read("campaign.toml").replace("spring-2026", id);
    workshop.write("campaign.toml", &file);
    workshop
}

/// There are too few codes: the last ones go to whoever comes first, and only those who find the pool empty for good fail.
#[test]
fn two_campaigns_at_once_give_every_code_once_and_all_of_them() {
    let server = Server::start();
    let (recipients, codes) = (2_000, 3_500);
    // Half of the customers get a message of both.
    let both = [("spring", 0..recipients), ("summer", 1_000..1_000 + recipients)]
        .map(|(id, customers)| campaign(&server, id, customers, codes));
    let children = both.each_ref().map(Workshop::start);
    let exits = children.map(|child| child.wait_with_output().unwrap().status.code().unwrap());
    assert!(exits.contains(&3) && exits.iter().all(|exit| [0, 3].contains(exit)), "{exits:?}");
    let mut given = BTreeSet::new();
    let mut failed = 0;
    for workshop in &both {
        for code in workshop.delivered().into_values().flatten() {
            assert!(given.insert(code), "a code stands in messages of both");
        }
        failed += workshop.events("enqueue_failed").len();
        assert_eq!(workshop.report()["recipients"], recipients);
        workshop.audits_clean();
    }
    assert_eq!((given.len(), failed), (codes, 2 * recipients - codes));
    let counts = both[0].counts("spring");
    assert_eq!((&counts["assigned"], &counts["available"], &counts["reserved"]), (&json!(codes), &json!(0), &json!(0)));
}

/// The example of this repository on a store, with what it reports.
struct Example {
    folder: tempfile::TempDir,
    store: String,
}

impl Example {
    fn on(store: Option<String>) -> Example {
        let folder = tempfile::tempdir().unwrap();
        let store = store.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("tearoff.db").display()));
        Example { folder, store }
    }

    /// Its exit code and what it prints.
    fn run(&self, arguments: &str) -> (i32, Value) {
        let mut command = Program::new(Path::new(env!("CARGO_MANIFEST_DIR")));
        command.args(["--store", &self.store]);
        let out = self.folder.path().join("out").display().to_string();
        let words = arguments.split(' ').map(|word| match word {
            "FILE" => "examples/spring-sale/campaign.toml",
            "OUT" => &out,
            word => word,
        });
        let ran = command.args(words).output().unwrap();
        (ran.status.code().unwrap(), serde_json::from_slice(&ran.stdout).unwrap_or_default())
    }

    /// What was written, without what differs from run to run: codes and times.
    fn written(&self) -> (Value, Vec<Value>) {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join("out").join(name)).unwrap();
        let mut report: Value = serde_json::from_str(&read("report.json")).unwrap();
        for name in ["seconds", "per_second"] {
            assert!(report.as_object_mut().unwrap().remove(name).is_some());
        }
        let messages = read("messages.jsonl");
        let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        (report, messages.map(|message| summary(&message)).collect())
    }
}

fn summary(message: &Value) -> Value {
    let vouchers = message["vouchers"].as_array().unwrap().iter();
    let vouchers: Vec<_> =
        vouchers.map(|voucher| json!([voucher["pool"], voucher["expires_at"], voucher["metadata"]])).collect();
    json!([message["message_id"], message["customer_id"], message["status"], message["parts"]["subject.txt"], vouchers])
}

#[test]
fn the_example_reports_on_redis_what_it_reports_on_sqlite() {
    let server = Server::start();
    let both = [None, Some(server.url())].map(Example::on);
    for (arguments, exit) in [
        ("campaign check FILE --json", 0),
        ("campaign run FILE --out OUT", 0),
        ("campaign check FILE --json", 0),
        ("audit --out OUT --json", 0),
        ("pool list --json", 0),
    ] {
        let [sqlite, redis] = both.each_ref().map(|example| example.run(arguments));
        assert_eq!(sqlite, redis, "{arguments}");
        assert_eq!(redis.0, exit, "{arguments}");
    }
    let [sqlite, redis] = both.each_ref().map(Example::written);
    assert_eq!(redis.0["rendered"], 2_000);
    assert!(sqlite == redis, "the messages differ in more than their codes");
}

/// The forecast says the same to the last code, through branches, further codes, overflow pools, fallbacks and limits, before,
/// between and after the runs.
#[test]
fn the_forecast_on_redis_is_that_on_sqlite() {
    let server = Server::start();
    let workshop = Workshop::new(300, 150);
    workshop.template(
        "body.txt",
        "{% if customer.id|last != '4' %}{{ vouchers.spring.assign_available() }}{% endif %}\
         {% for _ in range(customer.id|last|int % 3) %}{{ vouchers.extra.assign_available(cached=false) }}{% endfor %}\
         {{ vouchers.extra.assign_available(per='customer') }}",
    );
    workshop.codes("extra.csv", 1_000..1_250);
    workshop.codes("more.csv", 2_000..2_060);
    let stores = ["sqlite:tearoff.db".to_owned(), server.url()];
    let same = |arguments: &[&str]| {
        let [sqlite, redis] = stores.each_ref().map(|store| {
            let out = store.split(':').next().unwrap();
            let out: &[&str] = if arguments[1] == "run" { &["--out", out] } else { &[] };
            let ran = workshop.run(&[&["--store", store], arguments, out].concat());
            let printed: Value = serde_json::from_slice(&ran.0.stdout).unwrap_or_default();
            (ran.0.status.code(), printed, if ran.0.status.success() { String::new() } else { ran.errors() })
        });
        assert_eq!((sqlite.0, &sqlite.1), (redis.0, &redis.1), "{arguments:?}: {} {}", sqlite.2, redis.2);
        redis.1
    };
    let check = || same(&["campaign", "check", "campaign.toml", "--json"]);
    for (pool, file) in [("extra", "extra.csv"), ("more", "more.csv")] {
        same(&["pool", "import", pool, file]);
    }
    assert_eq!(check()["enough"], false);
    same(&["pool", "import", "spring", "codes.csv"]);
    same(&["pool", "set", "spring", "--overflow", "more"]);
    let forecast = check();
    assert!(forecast["pools"]["spring"]["missing"].as_u64() > Some(0), "{forecast}");
    assert_eq!(text(&forecast["pools"]["spring"]["dry_at"]["customer_id"]), "c233", "{forecast}");
    same(&["campaign", "run", "campaign.toml", "--force", "--limit", "120"]);
    check();
    same(&["pool", "set", "extra", "--limit-per-customer", "2"]);
    check();
    same(&["pool", "set", "more", "--fallback", "SPRING10"]);
    check();
    same(&["campaign", "run", "campaign.toml", "--force"]);
    check();
    same(&["pool", "list", "--json"]);
}
