//! A campaign in a folder of its own, and the real program run on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rand::RngExt;
use serde_json::Value;
use tempfile::TempDir;

use crate::canary::{Program, Started};

/// A folder with a campaign file, a template, an audience and codes.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// A text message to `recipients` customers, each with a code of a pool of `codes`.
    pub(crate) fn new(recipients: usize, codes: usize) -> Workshop {
        let workshop = Workshop { folder: tempfile::tempdir().unwrap() };
        workshop.template(
            "body.txt",
            "Hi {{ customer.first_name or 'there' }}: {{ vouchers['spring'].assign_available() }}",
        );
        workshop.write("audience.csv", &audience(0..recipients));
        workshop.codes("codes.csv", 0..codes);
        workshop.file("when_empty = \"fail\"\nbatch = 100\n");
        workshop
    }

    /// Writes the campaign file: the given lines and a pool that is imported.
    pub(crate) fn file(&self, lines: &str) {
        let head = "id = \"spring-2026\"\nchannel = \"sms\"\ntemplate = \"sale\"\naudience = \"audience.csv\"\n";
        self.write("campaign.toml", &format!("{head}{lines}\n[pools.spring]\nimport = \"codes.csv\"\n"));
    }

    pub(crate) fn template(&self, part: &str, source: &str) {
        fs::create_dir_all(self.path("templates/sale")).unwrap();
        self.write(&format!("templates/sale/{part}"), source);
    }

    pub(crate) fn codes(&self, file: &str, numbers: std::ops::Range<usize>) {
        let codes: String = numbers.map(|number| format!("SPR-{number:06}\n")).collect();
        self.write(file, &format!("code\n{codes}"));
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these arguments, in the folder, on the folder's store.
    pub(crate) fn command(&self, arguments: &[&str]) -> Program {
        let mut command = Program::new(self.folder.path());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    /// `campaign run` into `out`.
    pub(crate) fn send(&self, more: &[&str]) -> Ran {
        self.run(&[&["campaign", "run", "campaign.toml", "--out", "out"], more].concat())
    }

    pub(crate) fn start(&self) -> Started {
        self.command(&["campaign", "run", "campaign.toml", "--out", "out"]).spawn().unwrap()
    }

    /// Runs the program and kills it a little after this run wrote its first messages, so that there is something behind the
    /// checkpoint; says whether it was still running then.
    pub(crate) fn kill_while_it_writes(&self, arguments: &[&str], most_later: Duration) -> bool {
        let length = || fs::metadata(self.path("out/messages.jsonl")).map_or(0, |file| file.len());
        let checkpoint = fs::read_to_string(self.path("out/checkpoint.json")).unwrap_or_default();
        let checkpoint: Value = serde_json::from_str(&checkpoint).unwrap_or_default();
        let (before, kept) = (length(), checkpoint["files"]["messages"].as_u64().unwrap_or_default());
        let mut child = self.command(arguments).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && (length() == before || length() <= kept) {
            sleep(Duration::from_millis(1));
        }
        sleep(rand::rng().random_range(Duration::ZERO..most_later));
        let running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        running
    }

    /// Runs a campaign, kills it so many times while it writes, `later(round)` at most after it began to, and lets it end:
    /// everybody is served once, and a code that stood in a message stays there.
    #[track_caller]
    pub(crate) fn serves_all_though_killed(
        &self,
        (recipients, codes): (usize, usize),
        kills: usize,
        later: impl Fn(usize) -> Duration,
    ) {
        let mut known = BTreeMap::new();
        let mut struck = 0;
        for round in 0..kills {
            let run = ["campaign", "run", "campaign.toml", "--out", "out"];
            struck += usize::from(self.kill_while_it_writes(&run, later(round)));
            self.see(&mut known);
        }
        assert!(struck > 0, "no kill struck while it was writing");
        self.send(&["--force"]).exits(0);
        self.see(&mut known);
        self.check_all_served(recipients, codes);
    }

    /// Adds everything that stands in whole lines of the messages, by customer, to what stood there before.
    pub(crate) fn see(&self, before: &mut BTreeMap<String, String>) {
        let Ok(written) = fs::read_to_string(self.path("out/messages.jsonl")) else { return };
        for line in written.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let message: Value = serde_json::from_str(line).unwrap();
            let code = text(&message["vouchers"][0]["code"]);
            let known = before.entry(text(&message["customer_id"])).or_insert_with(|| code.clone());
            assert_eq!(*known, code, "a message that somebody may have sent already has another code now");
        }
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        serde_json::from_slice(&ran.0.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.errors()))
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.read("out/report.json")).unwrap()
    }

    pub(crate) fn counts(&self, pool: &str) -> Value {
        self.json(&["pool", "show", pool, "--json"])
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The codes of each customer, from the rendered messages; a customer who stands there twice is a failure.
    pub(crate) fn delivered(&self) -> BTreeMap<String, Vec<String>> {
        let mut found = BTreeMap::new();
        for message in self.lines("out/messages.jsonl") {
            let codes = message["vouchers"].as_array().unwrap().iter().map(|voucher| text(&voucher["code"])).collect();
            let before = found.insert(text(&message["customer_id"]), codes);
            assert!(before.is_none(), "a customer got two messages");
        }
        found
    }

    /// The customers of the events with this status, in order.
    pub(crate) fn events(&self, status: &str) -> Vec<String> {
        let events = self.lines("out/events.jsonl");
        events
            .iter()
            .filter(|event| event["properties"]["status"] == status)
            .map(|event| text(&event["customer_id"]))
            .collect()
    }

    /// That every one of `recipients` has one message with one code that nobody else has, that the store knows the same, and
    /// that an audit finds nothing.
    pub(crate) fn check_all_served(&self, recipients: usize, codes: usize) {
        let delivered = self.delivered();
        assert_eq!(delivered.len(), recipients);
        let distinct: BTreeSet<&String> = delivered.values().flatten().collect();
        assert_eq!(distinct.len(), recipients, "a code stands in two messages");
        let counts = self.counts("spring");
        assert_eq!(counts["total"], codes);
        assert_eq!(counts["assigned"], recipients);
        assert_eq!(counts["available"], codes - recipients);
        assert_eq!(self.events("enqueued").len(), recipients);
        self.audits_clean();
    }

    /// The audit of what was written, which ends with this exit code.
    #[track_caller]
    pub(crate) fn audit(&self, exit: i32) -> Value {
        let ran = self.run(&["audit", "--out", "out", "--json"]);
        let audit = serde_json::from_slice(&ran.0.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.errors()));
        assert_eq!(ran.0.status.code(), Some(exit), "{audit}");
        audit
    }

    /// Expects an audit without discrepancies; says what was looked at.
    #[track_caller]
    pub(crate) fn audits_clean(&self) -> Value {
        let audit = self.audit(0);
        assert_eq!(audit["discrepancies"], Value::Array(Vec::new()));
        audit["checked"].clone()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn audience(customers: std::ops::Range<usize>) -> String {
    let rows: String = customers.map(|number| format!("c{number},Ada {number}\n")).collect();
    format!("customer_id,first_name\n{rows}")
}

/// What the program did.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.errors());
        self
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Ran {
        assert!(self.errors().contains(part), "{part:?} is not in: {}", self.errors());
        self
    }
}
