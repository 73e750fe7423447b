//! `pool generate`.

use std::collections::BTreeSet;

use serde_json::json;
use tearoff::voucher::Pattern;

use crate::shop::{Shop, names};

fn codes_of(stdout: &str, pattern: &str) -> BTreeSet<String> {
    let pattern: Pattern = pattern.parse().unwrap();
    let codes: BTreeSet<String> = stdout.lines().map(str::to_owned).collect();
    assert!(codes.iter().all(|code| pattern.matches(code)), "{codes:?}");
    codes
}

#[test]
fn codes_of_a_pattern_fill_a_pool_and_make_it() {
    let shop = Shop::new();
    let generate = "pool generate spring --count 25000 --pattern SUM-####-####-####-#### --json";
    let report = json!({"pool": "spring", "generated": 25_000, "pattern": "SUM-####-####-####-####",
        "possibilities_bits": 79.27});
    let run = || {
        let mut report = shop.json(generate);
        let import = report.as_object_mut().unwrap().shift_remove("import");
        (report, import.unwrap().as_str().unwrap().to_owned())
    };
    let (first, import) = run();
    assert_eq!(first, report);
    assert_eq!(shop.json("pool show spring --json")["available"], 25_000);
    let (second, another) = run();
    assert_eq!(second, report, "again, it adds as many more");
    assert_ne!(import, another, "each run can be taken back by itself");
    assert_eq!(shop.json("pool show spring --json")["available"], 50_000);
    shop.ok("pool delete spring --archive all.csv");
    let archive = shop.read("all.csv");
    let codes: Vec<&str> = archive.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert_eq!((codes.len(), codes_of(&codes.join("\n"), "SUM-####-####-####-####").len()), (50_000, 50_000));
}

#[test]
fn no_code_is_printed_unless_asked() {
    let shop = Shop::new();
    let silent = shop.run("pool generate spring --count 3");
    assert_eq!((silent.code, silent.stdout.as_str()), (Some(0), ""));
    assert_eq!(silent.stderr, "generated 3 codes in pool 'spring'\n", "64 bits need no warning");
    let printed =
        shop.run("pool generate spring --count 3 --print --prefix A- --length 14 --suffix -Z --charset XYZ012345");
    assert_eq!(codes_of(&printed.stdout, "A-##############-Z[XYZ012345]").len(), 3);
    let code = printed.stdout.lines().next().unwrap();
    assert_eq!(shop.json(&format!("voucher show {code} --json"))["state"], "available");
    assert_eq!(shop.run("pool generate spring --count 3 --print --json").code, Some(2));
}

#[test]
fn a_pool_is_filled_up_to_what_it_lacks() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    assert_eq!(shop.json("pool generate spring --up-to 5 --json")["generated"], 3);
    assert_eq!(shop.json("pool generate spring --up-to 5 --json")["generated"], 0);
    assert_eq!(shop.json("pool show spring --json")["total"], 5);
    let run = shop.run("pool generate spring --up-to 5");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), "pool 'spring' has that many codes already\n"));
}

#[test]
fn codes_can_expire() {
    let shop = Shop::new();
    let code = shop.ok("pool generate spring --count 1 --print --expires-at 2999-06-30");
    let voucher = shop.json(&format!("voucher show {} --json", code.trim()));
    assert_eq!(voucher["expires_at"], "2999-06-30T23:59:59Z");
    shop.run("pool generate spring --count 1 --expires-at 2020-06-30")
        .fails(7, "error: --expires-at is past: nobody could use these codes\nhelp: name a moment to come");
    assert_eq!(shop.json("pool show spring --json")["total"], 1);
}

#[test]
fn short_codes_are_told_to_be_guessable() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3", "S4"]);
    let run = shop.run("pool generate spring --count 6 --pattern SUM-####-####");
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.stderr, @r"
    warning: the codes have 39.6 random bits: with 10 codes, 1 guess in 85,289,103,744 is right
    limit how often a customer may try, or use 13 random characters, which make 64 bits
    generated 6 codes in pool 'spring'
    ");
    let quiet = shop.run("pool generate spring --count 1 --pattern #### --charset digits --quiet --json");
    assert!(quiet.stderr.starts_with("warning: the codes have 13.3 random bits: with 11 codes, 1 guess in 909 is"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&quiet.stdout).unwrap()["pattern"], "####[digits]");
}

#[test]
fn too_few_possibilities_are_refused_before_anything_is_made() {
    let shop = Shop::new();
    shop.run("pool generate spring --count 481 --pattern A##").fails(
        7,
        "error: the pattern 'A##' has 961 codes, too few for 481: at most half of them can be used\n\
         help: write at least 3 '#', or use more characters",
    );
    assert_eq!(names(&shop.path("")), Vec::<String>::new());
    assert_eq!(shop.json("pool generate spring --count 480 --pattern A## --json")["generated"], 480);
}

/// Half of the codes are there; of what is left the next run may take half, and then three of four are taken.
#[test]
fn a_pattern_is_used_up_by_and_by() {
    let shop = Shop::new();
    shop.ok("pool generate spring --count 50 --pattern ##[digits] --quiet");
    let run = shop.run("pool generate summer --count 50 --pattern ##[digits]");
    assert!(matches!(run.code, Some(0 | 7)), "{run:?}");
    let run = shop.run("pool generate autumn --count 50 --pattern ##[digits]");
    assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""));
    assert!(run.stderr.starts_with("error: pool 'autumn' got "), "{}", run.stderr);
    let said = "of 50 codes: the project has most codes of the pattern '##[digits]' already\nhelp: use a longer pattern, or \
        another fixed part\n";
    assert!(run.stderr.ends_with(said), "{}", run.stderr);
    let pools = shop.json("pool list --json");
    let total: u64 = pools.as_array().unwrap().iter().map(|pool| pool["total"].as_u64().unwrap()).sum();
    assert!((51..=100).contains(&total), "every code is in one pool only: {total}");
}

#[test]
fn wrong_patterns_are_told_with_their_position() {
    let shop = Shop::new();
    for (arguments, error) in [
        ("--pattern SUM", "error: --pattern: the pattern has no random character"),
        ("--pattern SUM\\-##", "error: --pattern: '\\' at character 4 of the pattern stands before nothing"),
        ("--pattern ##[AB", "error: --pattern: the charset that opens at character 3 of the pattern is not closed"),
        ("--charset ABCA", "error: --charset: the charset has 'A' again at character 4"),
        ("--length 0", "error: the pattern has no random character"),
        ("--length 300", "error: with this pattern, the code is longer than 256 bytes"),
        ("--expires-at soon", "error: --expires-at: not a moment in time"),
    ] {
        let run = shop.run(&format!("pool generate spring --count 1 {arguments}"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""), "{arguments}");
        assert!(run.stderr.starts_with(error), "{arguments}: {}", run.stderr);
    }
    for usage in ["", " --count 0", " --count 1 --up-to 1", " --count 1 --pattern ### --length 3"] {
        assert_eq!(shop.run(&format!("pool generate spring{usage}")).code, Some(2), "{usage}");
    }
    assert_eq!(names(&shop.path("")), Vec::<String>::new(), "nothing of that makes a store");
}

#[test]
fn a_run_that_is_killed_leaves_whole_codes_and_can_be_filled_up() {
    let shop = Shop::new();
    shop.ok("pool create spring");
    let count = || shop.json("pool show spring --json")["available"].as_u64().unwrap();
    let mut arguments = vec!["pool", "generate", "spring", "--pattern", "SUM-####-####-####-####"];
    let mut run = shop.command(&[&arguments[..], &["--count", "100000000"]].concat()).spawn().unwrap();
    while count() == 0 {
        assert!(run.try_wait().unwrap().is_none(), "it ended by itself");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let before = count();
    let wanted = (before + 1_000).to_string();
    arguments.extend(["--json", "--up-to", &wanted]);
    let filled = shop.run_with(&arguments);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&filled.stdout).unwrap()["generated"], 1_000, "{filled:?}");
    assert_eq!(count(), before + 1_000);
    shop.ok("pool delete spring --archive all.csv");
    let archive = shop.read("all.csv");
    let codes: Vec<&str> = archive.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert_eq!(codes_of(&codes.join("\n"), "SUM-####-####-####-####").len() as u64, before + 1_000);
}
