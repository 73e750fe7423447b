//! Web layers in a real browser: `layers.test.mjs`, run by Node.js against the program.

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
    let output = Command::new("node")
        .args(["--test", "layers.test.mjs"])
        .current_dir(&folder)
        .env("TEAROFF", assert_cmd::cargo::cargo_bin!("tearoff"))
        .env("CHROMIUM", which(browser))
        .output()
        .expect("Node.js starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("# fail 0") || said.contains("fail 0"), "no test ran: {said}");
}

/// Where a program is.
fn which(program: &str) -> String {
    let output = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().expect("sh starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
