//! `bench`: what it tells, and that nothing of it is left behind. How fast anything is, no test says.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::canary::Program;
use crate::shop::{Run, Shop, names};

/// The keys that other programs rely on.
const KEYS: [&str; 30] = [
    "email.pure_per_second",
    "email.isolated_per_second",
    "email.redis.per_second",
    "email.redis.of_pure",
    "email.sqlite.per_second",
    "email.sqlite.of_pure",
    "email.naive_per_second",
    "email.tasks256_per_second",
    "email.files.redis.of_without_claims",
    "sms.pure_per_second",
    "sms.isolated_per_second",
    "sms.redis.per_second",
    "sms.redis.of_pure",
    "sms.sqlite.per_second",
    "sms.sqlite.of_pure",
    "sms.naive_per_second",
    "sms.tasks256_per_second",
    "claims.redis.per_second",
    "claims.redis.server_us",
    "claims.redis.one_message_server_us",
    "claims.sqlite.per_second",
    "memory.available_bytes",
    "memory.assigned_bytes",
    "import.per_second",
    "import.naive_per_second",
    "import.at_4m_per_second",
    "import.naive_at_4m_per_second",
    "display.redis.one_at_a_time.p99_us",
    "display.sqlite.concurrent64.per_second",
    "machine.cores",
];

/// A benchmark whose temporary folder is the shop's.
fn bench(shop: &Shop, arguments: &str) -> Program {
    let temporary = shop.path("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = shop.command(&arguments.split(' ').collect::<Vec<_>>());
    command.env("TMPDIR", temporary);
    command
}

/// The Redis server that a process has started, if it is running.
fn child_server(parent: u32) -> Option<String> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid=,args="]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (pid, of) = (words.next()?, words.next()?);
        // The program asks for the version, too; that process has no address.
        let is_server = line.contains("redis-server") && line.contains("127.0.0.1");
        (of == parent.to_string() && is_server).then(|| pid.to_owned())
    })
}

fn is_running(pid: &str) -> bool {
    Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status().unwrap().success()
}

/// Waits for the program's server.
fn server_of(program: &mut Child) -> String {
    let began = Instant::now();
    loop {
        if let Some(pid) = child_server(program.id()) {
            return pid;
        }
        assert!(
            program.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(20),
            "no server started"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_part_gives_its_figures_and_leaves_nothing_behind() {
    let shop = Shop::new();
    let chart = shop.path("chart.svg");
    let mut command = bench(&shop, "bench --recipients 300 --runs 1 --codes 2000 --json --chart chart.svg");
    let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
    let server = server_of(&mut program);
    let output = program.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stderr}");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    for key in KEYS {
        let pointer = format!("/{}", key.replace('.', "/"));
        assert!(found.pointer(&pointer).and_then(Value::as_f64).is_some_and(|number| number > 0.0), "{key}: {found}");
    }
    assert!(
        found["limits"]["email.redis.of_pure"]["at_least"] == 0.85 && found["spread"]["sms.redis.of_pure"].is_array()
    );
    assert!(stderr.contains("display: run 1 of 1"), "{stderr}");
    assert!(std::fs::read_to_string(chart).unwrap().contains("e-mail campaign on Redis"));
    assert!(!is_running(&server));
    assert_eq!(names(&shop.path("tmp")), [""; 0]);
}

#[test]
fn one_part_is_told_as_a_table() {
    let shop = Shop::new();
    let run = Run::of(&mut bench(&shop, "--quiet bench --recipients 50 --runs 2 --only claims"));
    assert_eq!(run.code, Some(0), "{run:?}");
    for words in ["RATIO", "at most 0.70", "claims on SQLite", "at least 100,000/s"] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("e-mail") && !run.stderr.contains("run 1"), "{run:?}");
}

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let shop = Shop::new();
        let mut program = bench(&shop, "--quiet bench --recipients 500000 --only claims").spawn().unwrap();
        let server = server_of(&mut program);
        assert!(
            Command::new("kill").args([format!("-{signal}"), program.id().to_string()]).status().unwrap().success()
        );
        assert_eq!(program.wait().unwrap().code(), Some(130));
        assert!(!is_running(&server), "{signal}");
        assert_eq!(names(&shop.path("tmp")), [""; 0]);
    }
}

#[test]
fn an_unknown_part_is_a_usage_error_that_names_the_parts() {
    let run = Shop::new().run("bench --only emails");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("email, sms, claims, import, memory, display"), "{run:?}");
}

#[test]
fn a_machine_without_redis_is_told_how_to_get_it() {
    let shop = Shop::new();
    let run = Run::of(bench(&shop, "--quiet bench").env("PATH", shop.path("nothing")));
    assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""));
    assert!(run.stderr.contains("redis-server is not installed") && run.stderr.contains("apt-get install"), "{run:?}");
    assert_eq!(names(&shop.path("tmp")), [""; 0]);
}

#[test]
fn a_chart_that_cannot_be_written_is_told_before_anything_is_measured() {
    let shop = Shop::new();
    let output =
        bench(&shop, "bench --only claims --recipients 300 --runs 1 --chart nowhere/chart.svg").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(told.contains("nowhere/chart.svg") && !told.contains("run 1 of 1"), "{told}");
}
