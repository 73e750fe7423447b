//! The program killed, interrupted and starved, and started again.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::workshop::Workshop;
use crate::canary::Program;

const RUN: &[&str] = &["campaign", "run", "campaign.toml", "--out", "out"];

/// Kills by turns soon after the first write, and so late that a checkpoint may lie between.
fn later(round: usize) -> Duration {
    Duration::from_millis(if round.is_multiple_of(2) { 40 } else { 1_300 })
}

#[test]
fn killed_at_random_points_it_ends_with_every_recipient_once_and_the_same_codes() {
    let (recipients, codes, kills) =
        if std::env::var_os("TEAROFF_LONG").is_some() { (20_000, 20_500, 60) } else { (8_000, 8_100, 12) };
    let workshop = Workshop::new(recipients, codes);
    workshop.serves_all_though_killed((recipients, codes), kills, later);
}

#[test]
fn killed_while_it_retries_it_still_ends_with_every_recipient_once() {
    let workshop = Workshop::new(6_000, 1_000);
    workshop.send(&["--force"]).exits(3);
    workshop.codes("more.csv", 1_000..6_100);
    workshop.run(&["pool", "import", "spring", "more.csv"]).exits(0);
    let retry = [RUN, &["--retry-failed"]].concat();
    let struck = (0..5).filter(|round| workshop.kill_while_it_writes(&retry, later(*round))).count();
    assert!(struck > 0, "no kill struck while it was writing");
    workshop.send(&["--retry-failed"]).exits(0);
    workshop.check_all_served(6_000, 6_100);
    assert_eq!(workshop.report()["rendered"], 6_000);
}

#[test]
fn interrupted_it_ends_its_batch_and_goes_on_from_there() {
    let workshop = Workshop::new(30_000, 30_000);
    let child = workshop.start();
    let began = Instant::now();
    while !std::fs::metadata(workshop.path("out/messages.jsonl")).is_ok_and(|file| file.len() > 0) {
        assert!(began.elapsed() < Duration::from_secs(60), "no message was written");
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let done = workshop.delivered().len();
    assert!(done < 30_000, "it was done before it was interrupted");
    assert_eq!(workshop.counts("spring")["assigned"], done, "nothing is held for messages that were not written");
    workshop.send(&["--limit", "200"]).exits(0);
    assert_eq!(workshop.delivered().len(), done + 200);
}

#[test]
fn interrupted_while_it_imports_it_ends_at_once() {
    let workshop = Workshop::new(10, 200_000);
    let child = workshop.start();
    while !workshop.exists("tearoff.db") {
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!workshop.exists("out"), "nothing was rendered");
    workshop.send(&[]).exits(0);
    workshop.check_all_served(10, 200_000);
}

#[test]
fn when_the_disk_is_full_nothing_is_lost() {
    let workshop = Workshop::new(1_200, 1_200);
    workshop.template("body.txt", &format!("{{{{ vouchers.spring.assign_available() }}}}{}", "x".repeat(4_000)));
    // Files of at most 2 MiB: the store fits, the messages do not.
    let script = format!(
        "trap '' XFSZ; ulimit -f 2048; exec {} campaign run campaign.toml --out out",
        env!("CARGO_BIN_EXE_tearoff")
    );
    let mut full = Program::by(Command::new("bash"), &workshop.path("."));
    let full = full.args(["-c", &script]).output().unwrap();
    assert_eq!(full.status.code(), Some(1), "{}", String::from_utf8_lossy(&full.stderr));
    assert!(String::from_utf8_lossy(&full.stderr).contains("messages.jsonl"), "the error names the file");
    workshop.send(&[]).exits(0);
    workshop.check_all_served(1_200, 1_200);
}

#[test]
fn two_processes_do_not_write_one_folder() {
    let workshop = Workshop::new(10, 10);
    let toml = workshop.read("campaign.toml").replace("audience.csv", "-");
    workshop.write("campaign.toml", &toml);
    // It waits for its audience for as long as nobody closes its input.
    let mut first = workshop.command(RUN).stdin(Stdio::piped()).spawn().unwrap();
    while !workshop.exists("out/.lock") {
        sleep(Duration::from_millis(2));
    }
    workshop.send(&["--force"]).exits(7).says("another process");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn two_processes_with_folders_of_their_own_share_a_store() {
    let workshop = Workshop::new(1_500, 1_500);
    let mut second = workshop.command(&["campaign", "run", "campaign.toml", "--out", "other"]).spawn().unwrap();
    workshop.send(&[]).exits(0);
    assert!(second.wait().unwrap().success());
    workshop.check_all_served(1_500, 1_500);
    assert_eq!(workshop.read("out/messages.jsonl"), workshop.read("other/messages.jsonl"));
}
