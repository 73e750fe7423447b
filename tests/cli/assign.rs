//! `assign`: one voucher for each customer of a step, outside of messages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::shop::Shop;

const PEOPLE: &str = "customer_id,ltv\nc1,10\nc2,900\nc3,20\n";

fn shop() -> Shop {
    let shop = Shop::new();
    shop.write("codes.csv", "code,campaign_id,note\nTEN-1,10_dollars_off,=1+1\nTEN-2,10_dollars_off,b\nTEN-3,10_dollars_off,c\nFIVE-1,5_dollars_off,d\n");
    shop.ok("pool import spring codes.csv");
    shop.write("people.csv", PEOPLE);
    shop
}

fn assign(shop: &Shop, more: &[&str]) -> crate::shop::Run {
    shop.run_with(&[&["assign", "spring", "--node", "win-back", "--audience", "people.csv"], more].concat())
}

fn rows(run: &crate::shop::Run) -> Vec<String> {
    assert_eq!(run.code, Some(0), "{run:?}");
    run.stdout.lines().map(str::to_owned).collect()
}

fn available(shop: &Shop) -> Value {
    shop.json("pool list --json")[0]["available"].clone()
}

#[test]
fn every_customer_gets_one_and_the_same_one_again() {
    let shop = shop();
    let first = assign(&shop, &[]);
    let printed = rows(&first);
    assert_eq!((printed.len(), printed[0].as_str()), (4, "customer_id,code"));
    assert_eq!(first.stderr, "3 new vouchers assigned\n");
    let codes: BTreeSet<&str> = printed[1..].iter().map(|row| row.split_once(',').unwrap().1).collect();
    assert_eq!(codes.len(), 3);
    for (row, customer) in printed[1..].iter().zip(["c1", "c2", "c3"]) {
        assert!(row.starts_with(&format!("{customer},")), "{row}");
    }
    shop.ok("pool set spring --expires-at 2090-01-01");
    let again = assign(&shop, &[]);
    assert_eq!(rows(&again), printed);
    assert_eq!(again.stderr, "0 new vouchers assigned, 3 had theirs\n");
    assert_eq!(available(&shop), json!(1));
}

#[test]
fn what_is_assigned_is_the_customers_current_voucher() {
    let shop = shop();
    let printed = rows(&assign(&shop, &[]));
    let code = printed[1].split_once(',').unwrap().1.to_owned();
    shop.write("templates/hi/body.txt", "$cst.spring.coupon$");
    let render =
        ["render", "hi", "--channel", "sms", "--campaign", "x", "--customer", r#"{"id": "c1"}"#, "--part", "body.txt"];
    assert_eq!(shop.run_with(&render).stdout, format!("{code}\n"));
    let shown = shop.json(&format!("voucher show {code} --json"));
    assert_eq!(
        (&shown["state"], &shown["message_id"], &shown["channel"], &shown["campaign_id"]),
        (&json!("assigned"), &json!("win-back/c1"), &json!("webhook"), &json!(null))
    );
}

#[test]
fn another_node_gives_another_voucher() {
    let shop = shop();
    shop.write("people.csv", "customer_id\nc1\n");
    let first = rows(&assign(&shop, &[]));
    let second = rows(&shop.run("assign spring --node other --audience people.csv"));
    assert_ne!(first[1], second[1]);
}

#[test]
fn a_condition_chooses_among_the_vouchers() {
    let shop = shop();
    shop.write("people.csv", "customer_id\nc1\n");
    let run = assign(&shop, &["--where", "campaign_id == '5_dollars_off'", "--columns", "code,metadata.campaign_id"]);
    assert_eq!(rows(&run), ["customer_id,code,metadata.campaign_id", "c1,FIVE-1,5_dollars_off"]);
    let run = assign(&shop, &["--where", "campaign_id == '10_dollars_off'"]);
    assert_eq!(rows(&run)[1], "c1,FIVE-1", "what a customer has stays, whatever is asked for now");
}

#[test]
fn where_there_is_not_enough_for_all_nobody_gets_one() {
    let shop = shop();
    let run = assign(&shop, &["--where", "campaign_id == '5_dollars_off'"]);
    run.fails(
        4,
        "error: 3 customers need a voucher of pool 'spring', and it lacks 2 that match\nhelp: import codes; nothing was assigned",
    );
    shop.write("people.csv", &format!("{PEOPLE}c4,1\nc5,2\n"));
    let run = assign(&shop, &[]);
    run.fails(
        4,
        "error: 5 customers need a voucher of pool 'spring', and it lacks 1\nhelp: import codes; nothing was assigned",
    );
    shop.ok("pool set spring --limit-total 3");
    shop.write("people.csv", &format!("{PEOPLE}c4,1\n"));
    assert_eq!(assign(&shop, &[]).code, Some(4));
    assert_eq!(available(&shop), json!(4));
}

#[test]
fn a_rule_of_the_pool_holds_here_too() {
    let shop = shop();
    shop.run_with(&["pool", "set", "spring", "--eligible", "customer.ltv < 500"]);
    let untyped = assign(&shop, &[]);
    assert_eq!(untyped.code, Some(7));
    assert!(untyped.stderr.contains("customer.ltv is text and is compared with a number"), "{}", untyped.stderr);
    let run = assign(&shop, &["--type", "ltv=number"]);
    let customers: Vec<String> = rows(&run)[1..].iter().map(|row| row.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(customers, ["c1", "c3"]);
    assert_eq!(run.stderr, "2 new vouchers assigned, 1 not eligible\n");
}

#[test]
fn rows_are_safe_for_a_spreadsheet_and_exact_as_json() {
    let shop = shop();
    shop.write("people.csv", "customer_id\n=cmd\n");
    let more = ["--where", "code is undefined and note == '=1+1'", "--columns", "code,metadata.note,expires_at"];
    assert_eq!(rows(&assign(&shop, &more)), ["customer_id,code,metadata.note,expires_at", "'=cmd,TEN-1,'=1+1,"]);
    let lines = rows(&assign(&shop, &[&more[..], &["--format", "jsonl"]].concat()));
    let row: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(row, json!({"customer_id": "=cmd", "code": "TEN-1", "metadata.note": "=1+1", "expires_at": null}));
}

#[test]
fn what_is_wrong_is_told_before_anything_is_assigned() {
    let shop = shop();
    for (more, code, says) in [
        (&["--where", "campaign_id ="][..], 7, "--where: line 1, column "),
        (&["--where", "note > 5"], 7, "note is text and is compared with a number"),
        (&["--columns", "cod"], 7, "--columns: there is no column 'cod'; did you mean 'code'?"),
        (&["--type", "ltv"], 7, "--type: 'ltv' has no '='"),
        (&["--format", "xml"], 2, "possible values: csv, jsonl"),
    ] {
        let run = assign(&shop, more);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{run:?}");
    }
    shop.write("people.csv", "customer_id\nc1\n\"\"\n");
    let run = assign(&shop, &[]);
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.contains("line 3"), "{run:?}");
    let unknown = shop.run("assign sprin --node n --audience people.csv");
    assert_eq!(unknown.code, Some(7));
    shop.ok("pool pause spring");
    assert_eq!(shop.run("assign spring --node n --audience people.csv").code, Some(7));
    let node = shop.run("assign spring --node a/b --audience people.csv");
    assert!(node.stderr.contains("--node: node 'a/b' is not a valid name"), "{node:?}");
    assert_eq!(available(&shop), json!(4));
}

#[test]
fn more_than_one_batch_and_customers_who_stand_there_twice() {
    let shop = Shop::new();
    let codes: String = (0..1_300).map(|number| format!("S{number}\n")).collect();
    shop.write("codes.csv", &format!("code\n{codes}"));
    shop.ok("pool import spring codes.csv");
    let people: String = (0..1_250).map(|number| format!("c{number}\n")).collect();
    shop.write("people.csv", &format!("customer_id\n{people}c7\nc8\n"));
    let run = assign(&shop, &[]);
    let printed = rows(&run);
    assert_eq!(printed.len(), 1_251);
    assert_eq!(run.stderr, "1,250 new vouchers assigned, 2 twice in the audience\n");
    assert!(printed[1..].iter().enumerate().all(|(number, row)| row.starts_with(&format!("c{number},S"))));
    assert_eq!(rows(&assign(&shop, &[])), printed);
}
