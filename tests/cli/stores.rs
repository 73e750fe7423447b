//! Stores that cannot be used, each told with its remedy and its exit code.

use rusqlite::Connection;
use serde_json::json;

use crate::shop::{Shop, names};

#[test]
fn who_reads_hears_of_a_missing_file_and_makes_none() {
    let shop = Shop::new();
    for command in [
        "pool list",
        "pool list --json",
        "pool show spring",
        "pool set spring --limit-total 1",
        "pool pause spring",
        "pool delete spring",
        "voucher show S1",
        "voucher release --message m1",
        "voucher reclaim --test",
        "customer show c1",
    ] {
        shop.run(command).fails(
            7,
            "error: there is no store file 'tearoff.db'\n\
             help: 'tearoff pool create POOL' makes it with its first pool; '--store' names another one",
        );
    }
    assert_eq!(names(&shop.path("")), Vec::<String>::new());
}

#[test]
fn a_store_in_memory_lasts_as_long_as_the_command() {
    let shop = Shop::new();
    assert_eq!(shop.json("--store memory: pool list --json"), json!([]));
    shop.ok("--store memory: pool create spring");
    assert_eq!(shop.json("--store memory: pool list --json"), json!([]));
    assert_eq!(names(&shop.path("")), Vec::<String>::new());
}

#[test]
fn other_stores_are_named_without_their_password() {
    let shop = Shop::new();
    let help = "help: write sqlite:PATH, redis://…, rediss://…, redis+cluster://…, redis+sentinel://… or memory:";
    shop.run("pool list --store postgres://:secret@host")
        .fails(7, &format!("error: there is no store for 'postgres:' URLs\n{help}"));
    shop.run("pool list --store tearoff.db").fails(7, &format!("error: the store URL has no scheme\n{help}"));
    shop.run("pool list --store sqlite:")
        .fails(7, "error: the store URL 'sqlite:' has no path\nhelp: write sqlite:PATH");
}

#[test]
fn a_wrong_redis_url_is_told_without_its_password() {
    let shop = Shop::new();
    for (url, error) in [
        ("redis://:secret@host:secret", "has a port that is none"),
        ("redis+sentinel://:secret@host:1", "does not name the master that the sentinels watch"),
        ("redis+other://:secret@host:1", "has a scheme that is none of Redis"),
    ] {
        let run = shop.run_with(&["pool", "list", "--store", url]);
        assert_eq!(run.code, Some(7), "{}", run.stderr);
        assert!(
            run.stderr.starts_with(&format!("error: the store URL {error}\nhelp: write redis://")),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    }
}

#[test]
fn servers_that_nobody_answers_at_are_an_error_at_once() {
    let shop = Shop::new();
    for (url, shown) in [
        ("redis://:secret@127.0.0.1:1", "redis://127.0.0.1:1"),
        ("redis+cluster://127.0.0.1:1,127.0.0.1:2", "redis+cluster://127.0.0.1:1,127.0.0.1:2"),
        ("redis+sentinel://127.0.0.1:1,127.0.0.1:2/shop", "redis+sentinel://127.0.0.1:1,127.0.0.1:2/shop"),
    ] {
        let run = shop.run_with(&["pool", "list", "--store", url]);
        assert_eq!(run.code, Some(5), "{}", run.stderr);
        assert!(run.stderr.starts_with(&format!("error: the store at {shown} cannot be reached")), "{}", run.stderr);
        assert!(run.stderr.contains("help: check that the server runs") && !run.stderr.contains("secret"));
    }
}

#[test]
fn a_ca_file_is_one_or_is_refused() {
    let shop = Shop::new();
    shop.write("no.pem", "no certificate");
    shop.write("tearoff.toml", "store = 'rediss://127.0.0.1:1'\nca_file = 'no.pem'\n");
    shop.run("pool list").fails(
        7,
        "error: the CA file 'no.pem' holds no certificate, or a broken one\n\
         help: give certificates in PEM form: '-----BEGIN CERTIFICATE-----' and so on",
    );
    let run = shop.run("pool list --ca-file missing.pem");
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.starts_with("error: cannot read the CA file 'missing.pem'"), "{}", run.stderr);
    shop.run("pool list --store redis://127.0.0.1:1").fails(
        7,
        "error: a CA file is given, but redis://127.0.0.1:1 is not encrypted\nhelp: write 'rediss' in the URL",
    );
}

#[test]
fn a_file_that_is_no_store_is_left_alone() {
    let shop = Shop::new();
    shop.write("notes.txt", &"these are notes, not a database\n".repeat(100));
    let run = shop.run("pool create spring --store sqlite:notes.txt");
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.starts_with("error: 'notes.txt' is not a database\nhelp: "), "{}", run.stderr);
    assert_eq!(shop.read("notes.txt"), "these are notes, not a database\n".repeat(100));
    Connection::open(shop.path("other.db")).unwrap().execute_batch("CREATE TABLE orders (id)").unwrap();
    let run = shop.run("pool create spring --store sqlite:other.db");
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.starts_with("error: 'other.db' is a database of another program\nhelp: "), "{}", run.stderr);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let shop = Shop::with_pool("spring", &[]);
    Connection::open(shop.path("tearoff.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let run = shop.run("pool list");
    assert_eq!(run.code, Some(7));
    let error =
        "error: the store file 'tearoff.db' is from a newer version (its schema is 99, this program knows 3)\nhelp: ";
    assert!(run.stderr.starts_with(error), "{}", run.stderr);
}

#[test]
fn a_read_only_file_and_a_missing_folder_are_bad_input() {
    let shop = Shop::with_pool("spring", &[]);
    let file = shop.path("tearoff.db");
    let mut permissions = file.metadata().unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    shop.run("pool pause spring").fails(
        7,
        "error: the store file 'tearoff.db' is read-only\n\
         help: make the file and its folder writable, or use another store file",
    );
    shop.run("pool create spring --store sqlite:no/where.db").fails(
        7,
        "error: the folder of the store file 'no/where.db' does not exist\nhelp: make the folder 'no', or give another path",
    );
}

#[test]
fn a_lock_that_does_not_end_is_a_store_that_cannot_be_reached() {
    let shop = Shop::with_pool("spring", &[]);
    let other = Connection::open(shop.path("tearoff.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = shop.run("pool pause spring");
    assert_eq!(run.code, Some(5));
    let error = "error: another process holds the store file 'tearoff.db'\nhelp: wait until it has finished";
    assert!(run.stderr.starts_with(error), "{}", run.stderr);
    let run = shop.run("doctor --json");
    assert_eq!(run.code, Some(5));
    let findings: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&findings[0]["check"], &findings[0]["ok"]), (&json!("store"), &json!(false)));
}

#[test]
fn doctor_examines_the_store() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"since 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "since [moment]");
    settings.bind(|| {
        insta::assert_snapshot!(shop.ok("doctor"), @r"
        ✔ store: sqlite:tearoff.db
        ✔ schema: version 3
        ✔ integrity: the file is sound
        ✔ counts: the kept counts are those of the vouchers
        ✔ leases: every reservation has its lease
        ✔ journal of pool 'spring': entries: 1 since [moment]
        ");
    });
    let findings = shop.json("doctor --json");
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["ok"] == json!(true)));
    assert_eq!(findings[0], json!({"check": "store", "ok": true, "detail": "sqlite:tearoff.db"}));
    let file = Connection::open(shop.path("tearoff.db")).unwrap();
    file.execute("DELETE FROM pool_tally", []).unwrap();
    let run = shop.run("doctor");
    assert_eq!((run.code, run.stderr.as_str()), (Some(7), ""));
    assert!(run.stdout.contains("✘ counts: the kept counts differ from the vouchers"), "{}", run.stdout);
}

#[test]
fn doctor_finds_a_store_that_cannot_be_opened() {
    let shop = Shop::new();
    let run = shop.run("doctor");
    assert_eq!((run.code, run.stderr.as_str()), (Some(7), ""));
    assert!(run.stdout.starts_with("✘ store: there is no store file 'tearoff.db'; "), "{}", run.stdout);
}
