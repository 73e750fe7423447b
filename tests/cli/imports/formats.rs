//! Every format of text, compressed or not, in every encoding, and what is no text.

use std::io::Write;

use serde_json::{Value, json};

use crate::shop::{Run, Shop, names};

/// A shop with a file of these bytes.
fn shop_with(name: &str, bytes: &[u8]) -> Shop {
    let shop = Shop::new();
    std::fs::write(shop.path(name), bytes).unwrap();
    shop
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn utf_16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// All codes of a pool, in order.
fn codes(shop: &Shop, expected: &[&str]) {
    for code in expected {
        assert_eq!(shop.run_with(&["voucher", "show", code]).code, Some(0), "{code}");
    }
    assert_eq!(shop.json("pool show spring --json")["total"], expected.len());
}

#[test]
fn every_format_by_its_name() {
    let files: [(&str, &str); 6] = [
        ("codes.csv", "note;code\nx;A-1\nx;B-2\n"),
        ("codes.tsv", "code\tnote\nA-1\t1,2,3\nB-2\tx\n"),
        ("codes.txt", "A-1\r\n\r\n\u{a0}B-2 \r\n"),
        ("codes.jsonl", "{\"code\": \"A-1\", \"note\": \"x\"}\n\"B-2\"\n"),
        ("single.csv", "A-1\nB-2\n"),
        ("header.txt", "Voucher Code\nA-1\nB-2\n"),
    ];
    for (name, text) in files {
        let shop = shop_with(name, text.as_bytes());
        shop.ok(&format!("pool import spring {name}"));
        codes(&shop, &["A-1", "B-2"]);
        let packed = format!("{name}.gz");
        std::fs::write(shop.path(&packed), gzip(text.as_bytes())).unwrap();
        assert_eq!(shop.json(&format!("pool import spring {packed} --json"))["already_in_pool"], 2, "{packed}");
    }
}

#[test]
fn standard_input_by_its_content() {
    let workbook = std::fs::read("tests/workbooks/plain.xlsx").unwrap();
    let inputs: [(Vec<u8>, u64); 5] = [
        (b"code,note\nA-1,x\n".to_vec(), 1),
        (b"{\"code\": \"A-1\"}\n".to_vec(), 1),
        (gzip(b"A-1\nB-2\n"), 2),
        (workbook.clone(), 3),
        (gzip(&workbook), 3),
    ];
    for (bytes, read) in inputs {
        let shop = Shop::new();
        let run = Run::of(shop.command(&["pool", "import", "spring", "-", "--json"]).reads(bytes));
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&report["read"], &report["added"]), (&json!(read), &json!(read)));
    }
}

#[test]
fn every_encoding() {
    let text = "code;note\r\nKÓD-1;Příliš žluťoučký kůň úpěl ďábelské ódy\r\n";
    let shop = shop_with("utf-16.csv", &utf_16(text));
    std::fs::write(shop.path("mark.csv"), format!("\u{feff}{text}")).unwrap();
    std::fs::write(shop.path("central.csv"), encoding_rs::WINDOWS_1250.encode(text).0).unwrap();
    assert_eq!(shop.json("pool import spring utf-16.csv --json")["added"], 1);
    for arguments in ["mark.csv", "central.csv --encoding windows-1250", "central.csv --encoding cp1250"] {
        let report = shop.json(&format!("pool import spring {arguments} --json"));
        assert_eq!((&report["already_in_pool"], &report["read"]), (&json!(1), &json!(1)), "{arguments}");
    }
    let voucher = shop.json("voucher show KÓD-1 --json");
    assert_eq!(voucher["metadata"], json!({"note": "Příliš žluťoučký kůň úpěl ďábelské ódy"}));
}

/// Another code page would make another code of the same bytes, and it would be seen only at the till.
#[test]
fn a_guessed_encoding_makes_no_code_but_plain_ones() {
    let text = "code;note\r\nKÓD-1;Příliš žluťoučký kůň\r\nKOD-2;úpěl ďábelské ódy\r\n";
    let shop = shop_with("central.csv", &encoding_rs::WINDOWS_1250.encode(text).0);
    let report = shop.json("pool import spring central.csv --json");
    assert_eq!((&report["added"], &report["rejected"][0]["line"]), (&json!(1), &json!(2)));
    assert!(report["rejected"][0]["reason"].as_str().unwrap().contains("--encoding"), "{report}");
    shop.run("pool import spring central.csv --encoding klingon").fails(
        7,
        "error: there is no encoding 'klingon'\n\
         help: usual ones are utf-8, utf-16le, windows-1252, windows-1250 and iso-8859-2",
    );
}

#[test]
fn what_is_taken_for_granted_is_said() {
    let shop = shop_with("single.csv", b"A-1\nB-2\n");
    std::fs::write(shop.path("western.txt"), encoding_rs::WINDOWS_1252.encode("A-3\nGr\u{f6}\u{df}e\n").0).unwrap();
    let run = shop.run("pool import spring single.csv");
    assert_eq!(run.stderr, "warning: single.csv: there is no header; the first line is taken for a code\n");
    let run = shop.run("pool import spring western.txt");
    let warning = "warning: western.txt: the encoding is taken for windows-1252; --encoding says what it is\n";
    assert!(run.code == Some(0) && run.stderr.starts_with(warning), "{run:?}");
}

#[test]
fn codes_that_look_alike_are_one() {
    let shop = shop_with("codes.csv", "code\nABC\nABC \n\u{a0}ABC\nE\u{301}1\n\u{c9}1\n".as_bytes());
    let report = shop.json("pool import spring codes.csv --json");
    assert_eq!((&report["added"], &report["duplicates_in_source"]), (&json!(2), &json!(3)));
    codes(&shop, &["ABC", "\u{c9}1"]);
}

#[test]
fn what_is_no_file_of_codes() {
    let compound = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0];
    let whole = gzip("code\nSECRET-1\n".repeat(50_000).as_bytes());
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    let files: [(&str, &[u8], &str); 12] = [
        ("old.xls", b"x", "old.xls: the format is not known by the file's name"),
        (
            "protected.xlsx",
            &compound,
            "protected.xlsx: this is a workbook of the old kind (.xls), or one with a password",
        ),
        ("text.xlsx", b"code\nSECRET\n", "text.xlsx: this is no Excel workbook, whatever its name says"),
        ("zip.xlsx", b"PK\x03\x04SECRET", "zip.xlsx: the workbook is broken"),
        ("image.csv", b"\x89PNG\0\0\0\rSECRET", "image.csv:1: "),
        ("nul.csv", b"code\nSECRET\0\n", "nul.csv:2: a NUL byte stands here; this is not text"),
        ("empty.csv", b"", "empty.csv: the file is empty"),
        ("empty.jsonl", b"\n\n", "empty.jsonl: the file is empty"),
        ("broken.jsonl", b"\"A\"\n{\"code\": SECRET}\n", "broken.jsonl:2: the line is not JSON"),
        ("two.txt", b"SECRET-1;10\nSECRET-2;20\n", "two.txt: the first line looks like several columns without names"),
        ("early.csv.gz", &whole[..whole.len() / 2], "early.csv.gz: the file ends early"),
        ("flipped.csv.gz", &flipped, "flipped.csv.gz: "),
    ];
    for (name, bytes, problem) in files {
        let shop = shop_with(name, bytes);
        let run = shop.run(&format!("pool import spring {name}"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""), "{name}");
        assert!(run.stderr.starts_with(&format!("error: {problem}")), "{name}: {}", run.stderr);
        assert!(!run.stderr.contains("SECRET"), "{}", run.stderr);
        if names(&shop.path("")).contains(&"tearoff.db".to_owned()) {
            assert_eq!(shop.json("pool list --json"), json!([]), "{name}");
        }
    }
}

#[test]
fn a_line_without_end_is_not_kept_in_memory() {
    let bomb = gzip(&vec![b'a'; 40 << 20]);
    let shop = shop_with("bomb.csv.gz", &bomb);
    shop.run("pool import spring bomb.csv.gz").fails(7, "error: bomb.csv.gz:1: the line does not end within 16 MiB");
}
