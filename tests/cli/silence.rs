//! That the canary hears what the program must never say, and that tests see of the log what they ask for.

use std::ffi::OsStr;

use crate::canary::{Marks, as_asked};
use crate::shop::Shop;

fn marks() -> Marks {
    let shop = Shop::with_pool("spring", &["S1", "=1+1", "7", "42"]);
    shop.write("codes.csv", "code,note\n\"RETURNED\",x\nREJECTED;y\n");
    let mut marks = Marks::default();
    marks.in_stores(&shop.path(""));
    marks.in_file(&shop.path("codes.csv"));
    marks
}

#[test]
fn codes_addresses_and_passwords_are_heard() {
    let marks = marks();
    for (line, mark) in [
        ("2026-11-20T09:00:00Z TRACE taken code=S1 pool=spring", "S1"),
        (r#"{"fields":{"message":"Code(\"S1\")"}}"#, "S1"),
        ("a formula: =1+1!", "=1+1"),
        ("error: 'RETURNED' stands twice", "RETURNED"),
        ("warning: REJECTED, too", "REJECTED"),
        ("code SPR-000017 is gone", "SPR-000017"),
        ("panicked at: SECRET-1", "SECRET-1"),
        ("customer ada.l+x@example.com has it", "ada.l+x@example.com"),
        ("GET /v1/customers/łada%40example.com/vouchers", "łada@example.com"),
        ("redis://tearoff:s3cr3t@127.0.0.1:6379", "s3cr3t@127.0.0.1"),
    ] {
        let said = format!("error: something\n{line}\nhelp: do something\n");
        assert_eq!(marks.find(&said), Some((mark.to_owned(), line)));
    }
}

#[test]
fn what_is_no_mark_may_be_said() {
    let said = "warning: 7 of 42 codes are gone, US1 and S10 not\n\
        help: write redis://USER:PASSWORD@HOST:PORT/DATABASE, or \"@example.com\" for a domain\n\
        warning: 'TEAROFF_VISITOR_SECRET' is shorter than 32 bytes; --customer @ada.json\n";
    assert_eq!(marks().find(said), None);
}

#[test]
fn the_log_is_seen_at_the_level_that_was_asked_for() {
    let said = "2026-11-20T09:00:00.000001Z TRACE first\n\
        \x1b[2m2026-11-20T09:00:00.000001Z\x1b[0m \x1b[32m INFO\x1b[0m second\n\
        {\"timestamp\":\"2026-11-20T09:00:00Z\",\"level\":\"DEBUG\",\"fields\":{}}\n\
        {\"level\":\"DEBUG\"}\n\
        2026-11-20T09:00:00Z ERROR last\n\
        done INFO\n";
    let seen = |arguments: &str| as_asked(said, arguments.split(' ').map(OsStr::new)).lines().count();
    assert_eq!(["-q pool", "pool list", "pool -v", "serve", "-vv", "serve -v -v"].map(seen), [3, 3, 4, 4, 5, 6]);
}
