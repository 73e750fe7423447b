//! `pool import`.

mod crash;
mod formats;
mod preview;
mod urls;
mod workbooks;

use serde_json::json;

use crate::shop::{Run, Shop, names};

const CODES: &str = "code,discount\nA,10 %\nB,20 %\nA,30 %\n\"\",\nC,\n";

#[test]
fn a_file_fills_a_pool_and_makes_it() {
    let shop = Shop::with_pool("vip", &["C"]);
    shop.write("codes.csv", CODES);
    let report = |added: u64, already: u64| {
        json!({"pool": "spring", "read": 5, "added": added, "duplicates_in_source": 1, "already_in_pool": already,
            "in_other_pool": 1, "rejected": [{"line": 5, "reason": "the code is empty"}]})
    };
    let import = || {
        let mut report = shop.json("pool import spring codes.csv --json");
        report.as_object_mut().unwrap().remove("import").unwrap();
        report
    };
    assert_eq!(import(), report(2, 0));
    assert_eq!(import(), report(0, 2), "again, nothing is added twice");
    assert_eq!(shop.json("pool show spring --json")["available"], 2);
    assert_eq!(shop.json("voucher show A --json")["metadata"], json!({"discount": "10 %"}));
}

#[test]
fn people_read_a_report() {
    let shop = Shop::new();
    shop.write("codes.csv", CODES);
    let run = shop.run("pool import spring codes.csv");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), "warning: codes.csv:5: the code is empty\n"));
    let (counts, import) = run.stdout.split_once("\nimport").unwrap();
    insta::assert_snapshot!(counts, @r"
    read                  5
    added                 3
    duplicates in source  1
    already in pool       0
    in other pool         0
    rejected              1
    ");
    assert!(shop.ok("pool imports spring").contains(import.trim()), "{import}");
    shop.write("bad.csv", &format!("code\n{}", "\"\"\n".repeat(1_500)));
    let run = shop.run("pool import spring bad.csv");
    assert_eq!(run.stderr.lines().count(), 21);
    assert!(run.stderr.ends_with("warning: 1,480 rejected rows more; --json lists up to 1,000\n"), "{}", run.stderr);
}

/// A large file goes to the store in several calls, and is one import all the same.
#[test]
fn the_whole_of_a_large_import_can_be_taken_back() {
    let shop = Shop::with_pool("spring", &["OWN"]);
    let codes: String = (0..25_000).map(|n| format!("C{n}\n")).collect();
    shop.write("codes.csv", &format!("code\n{codes}"));
    let report = shop.json("pool import spring codes.csv --json");
    let import = report["import"].as_str().unwrap();
    shop.ok(&format!("pool undo-import spring {import}"));
    let counts = shop.json("pool show spring --json");
    assert_eq!((&counts["available"], &counts["void"]), (&json!(1), &json!(25_000)));
}

#[test]
fn columns_and_delimiters_can_be_named() {
    let shop = Shop::new();
    shop.write("export.csv", "Ticket;Code\nT1;old\nT2;old\n");
    shop.ok("pool import spring export.csv --column Ticket --delimiter ;");
    assert_eq!(shop.json("voucher show T2 --json")["metadata"], json!({"Code": "old"}));
    shop.write("tabs.txt", "note\tcode\na, b\tX1\n");
    assert_eq!(shop.json("pool import spring tabs.txt --delimiter tab --json")["added"], 1);
    assert_eq!(shop.run("pool import spring tabs.txt --delimiter ab").code, Some(2));
}

#[test]
fn standard_input_is_a_file_too() {
    let shop = Shop::new();
    let run = Run::of(shop.command(&["pool", "import", "spring", "-", "--json"]).reads("code\nA\nB\n"));
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["read"], &report["added"]), (&json!(2), &json!(2)));
}

#[test]
fn a_broken_file_changes_nothing() {
    let shop = Shop::new();
    shop.write("no-code.csv", "ticket,price\nA,1\n");
    shop.write("quote.csv", "code\nSECRET-1\n\"SECRET-2\n");
    shop.write("codes.pdf", "code\nA\n");
    for file in ["none.csv", "no-code.csv", "codes.pdf"] {
        let run = shop.run(&format!("pool import spring {file}"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""), "{file}");
        assert!(run.stderr.contains(file) && run.stderr.contains("\nhelp: "), "{}", run.stderr);
    }
    assert_eq!(names(&shop.path("")), ["codes.pdf", "no-code.csv", "quote.csv"], "and makes no store");
    let run = shop.run("pool import spring quote.csv");
    assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""));
    assert!(run.stderr.starts_with("error: quote.csv:3: ") && !run.stderr.contains("SECRET"), "{}", run.stderr);
    assert_eq!(shop.json("pool list --json"), json!([]));
}
