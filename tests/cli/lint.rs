//! `lint`: findings on standard output, what to do on standard error, and the exit codes.

use serde_json::json;

use crate::shop::Shop;

fn shop() -> Shop {
    let shop = Shop::new();
    shop.write("templates/hi/body.txt", "Hi {{ customer.name }}:\n$CST.spring.COUPON$");
    shop.write("templates/good/body.txt", "Hi {{ customer.name }}: $cst.spring.coupon$");
    shop
}

#[test]
fn findings_are_rows_with_their_places_and_remedies() {
    let run = shop().run("lint hi");
    assert_eq!(run.code, Some(1));
    let rows = "\
RULE              WHERE         WHAT IS WRONG
near-placeholder  body.txt:2:1  '$CST.spring.COUPON$' looks like a placeholder and is none: it is printed as it stands
";
    assert_eq!(run.stdout, rows);
    let told = "\
help: near-placeholder: write $cst.spring.coupon$: lower case, in one piece, without tags, spaces or % signs in it
1 finding in hi as sms
";
    assert_eq!(run.stderr, told);
}

#[test]
fn findings_are_json() {
    let run = shop().run("lint hi --channel mms --json");
    assert_eq!(run.code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        report,
        json!({"template": "hi", "findings": [{"rule": "near-placeholder", "part": "body.txt", "line": 2, "column": 1,
            "message": "'$CST.spring.COUPON$' looks like a placeholder and is none: it is printed as it stands",
            "help": "write $cst.spring.coupon$: lower case, in one piece, without tags, spaces or % signs in it"}]})
    );
}

#[test]
fn nothing_found_is_exit_code_0_and_no_store_is_needed() {
    let shop = shop();
    assert_eq!(shop.json("lint good --json"), json!({"template": "good", "findings": []}));
    let run = shop.run("lint good");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", "no finding in good as sms\n"));
    assert!(!shop.path("tearoff.db").exists());
}

#[test]
fn a_template_that_is_not_there_is_bad_input() {
    let shop = shop();
    shop.write("templates/odd/link.txt", "https://shop.example");
    for (arguments, said) in [
        ("lint hy", "there is no template 'hy' in templates; did you mean 'hi'?"),
        ("lint odd", "template 'odd' has not the parts of any channel"),
        ("lint hi --channel email", "template 'hi' has no subject.txt, which email requires"),
    ] {
        let run = shop.run(arguments);
        assert_eq!(run.code, Some(7), "{run:?}");
        assert!(run.stderr.contains(said), "{run:?}");
    }
}
