//! Web layers in a real browser: `layers.test.mjs`, run by Node.js against the program.
#![allow(clippy::unwrap_used)]

#[path = "../canary/mod.rs"]
mod canary;

use std::path::Path;
use std::process::Command;

/// The names that a browser of this kind has.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn web_layers_in_a_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let browser = BROWSERS.into_iter().find(|name| is_there(name));
    let browser = browser.expect("the tests of web layers need chromium: run 'make tools'");
    assert!(is_there("node"), "the tests of web layers need Node.js: run 'make tools'");
    assert!(folder.join("node_modules/playwright-core").is_dir(), "playwright-core is not there: run 'make tools'");
    let logs = tempfile::tempdir().expect("a folder for what the services say");
    let output = Command::new("node")
        .args(["--test", "layers.test.mjs"])
        .current_dir(&folder)
        .env("TEAROFF", assert_cmd::cargo::cargo_bin!("tearoff"))
        .env("CHROMIUM", which(browser))
        .env("LOGS", logs.path())
        .env("RUST_LOG", canary::MOST_TALKATIVE)
        .output()
        .expect("Node.js starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("# fail 0") || said.contains("fail 0"), "no test ran: {said}");
    assert!(hold_to_silence(logs.path()) > 0, "no service said a word");
}

/// Holds what services said to the absence of codes and addresses, and says how many did say something.
fn hold_to_silence(logs: &Path) -> usize {
    let logs = std::fs::read_dir(logs).expect("the folder is there");
    let said = logs.map(|log| std::fs::read_to_string(log.expect("a log").path()).expect("a log is text"));
    said.inspect(|said| canary::check(said, &canary::Marks::default())).count()
}

/// Where a program is.
fn which(program: &str) -> String {
    let output = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().expect("sh starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
