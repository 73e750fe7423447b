//! An import that is killed half-way.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::shop::Shop;

/// Enough for a kill to fall into the middle: an optimised program writes ten times as fast.
const CODES: u64 = if cfg!(debug_assertions) { 200_000 } else { 2_000_000 };

/// What stands in the pool is whole chunks, and running it again completes it, without a code twice or one too few.
#[test]
fn killed_half_way_it_completes_when_it_runs_again() {
    let shop = Shop::new();
    let text: String = (0..CODES).map(|number| format!("SPRING-{number:07},{}\n", number % 50)).collect();
    shop.write("codes.csv", &format!("code,discount\n{text}"));
    shop.ok("pool create spring");
    let mut child = shop.command(&["pool", "import", "spring", "codes.csv"]).stdout(Stdio::null()).spawn().unwrap();
    let total = || shop.json("pool show spring --json")["total"].as_u64().unwrap();
    while total() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = total();
    assert!(before > 0 && before < CODES && before % 10_000 == 0, "{before}");
    let report = shop.json("pool import spring codes.csv --json");
    assert_eq!((&report["already_in_pool"], &report["added"]), (&json!(before), &json!(CODES - before)));
    assert_eq!(total(), CODES);
}
