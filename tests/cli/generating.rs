//! Pools that make their codes when somebody needs one.

use serde_json::json;
use tearoff::voucher::Pattern;

use crate::shop::Shop;

const PATTERN: &str = "BD-####-####-####-####";

fn is_made(code: &serde_json::Value) -> bool {
    PATTERN.parse::<Pattern>().unwrap().matches(code.as_str().unwrap())
}

#[test]
fn a_pool_with_a_pattern_gives_codes_without_stock() {
    let shop = Shop::new();
    shop.ok(&format!("pool create spring --pattern {PATTERN} --valid-for 14d"));
    let (code, outcome) = shop.render("c1", &[]);
    let voucher = &outcome["vouchers"][0];
    assert_eq!((code, &voucher["source"], is_made(&voucher["code"])), (Some(0), &json!("pool"), true), "{outcome}");
    assert!(voucher["expires_at"].is_string());
    assert_eq!(shop.render("c1", &[]).1["vouchers"], outcome["vouchers"], "again, it is the same");
    assert_ne!(shop.render("c2", &[]).1["vouchers"], outcome["vouchers"]);
    assert_eq!(shop.json("pool show spring --json")["assigned"], 2);
    assert_eq!(shop.json("pool show spring --json")["total"], 2);
}

#[test]
fn a_pattern_is_said_shown_changed_and_taken_back() {
    let shop = Shop::new();
    shop.ok("pool create spring --prefix A --length 14 --charset digits");
    let settings = || shop.ok("pool show spring").split_once("\n\n").unwrap().1.to_owned();
    insta::assert_snapshot!(settings(), @r"
    new claims    allowed
    pattern       A##############[digits]
    preview code  spring-preview
    ");
    insta::assert_snapshot!(shop.ok("pool list"), @r"
    POOL    AVAILABLE                   TOTAL  ASSIGNED  REDEEMED  STATE
    spring          0  ░░░░░░░░░░  0 %      0         0         0  makes codes
    ");
    let code = shop.ok("pool generate spring --count 1 --print --quiet");
    assert!(
        "A##############[digits]".parse::<Pattern>().unwrap().matches(code.trim()),
        "the pool's own pattern: {code}"
    );
    shop.ok(&format!("pool set spring --limit-total 5 --pattern {PATTERN}"));
    shop.ok("pool set spring --limit-total 6");
    assert!(settings().contains(&format!("pattern         {PATTERN}\n")), "{}", settings());
    shop.ok("pool set spring --unset pattern");
    assert!(!settings().contains(PATTERN));
}

#[test]
fn short_patterns_are_told_to_be_guessable() {
    let shop = Shop::new();
    let run = shop.run("pool create spring --pattern SUM-####-####");
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.stderr, @r"
    warning: the codes have 39.6 random bits: with 1,000 codes, 1 guess in 852,891,037 is right
    limit how often a customer may try, or use 13 random characters, which make 64 bits
    created pool 'spring' in sqlite:tearoff.db
    ");
    assert_eq!(shop.run("pool set spring --limit-total 5").stderr, "changed pool 'spring'\n");
}

#[test]
fn what_contradicts_a_pattern_is_refused() {
    let shop = Shop::new();
    shop.run(&format!("pool create spring --pattern {PATTERN} --fallback FALL")).fails(
        7,
        "error: pool 'spring' makes codes 'BD-####-####-####-####' when it is empty, so it cannot have a fallback code\n\
         help: take one of the two back",
    );
    let run = shop.run("pool create spring --pattern BD");
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.starts_with("error: --pattern: the pattern has no random character"), "{}", run.stderr);
}

#[test]
fn a_campaign_is_never_short_of_codes_that_can_be_made() {
    let shop = Shop::new();
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    shop.write("audience.csv", "customer_id\nc1\nc2\nc3\n");
    let campaign = "id = 'sale'\nchannel = 'sms'\ntemplate = 'hi'\naudience = 'audience.csv'\n";
    shop.write("campaign.toml", &format!("{campaign}[pools.spring]\npattern = '{PATTERN}'\n"));
    let check = shop.run("campaign check campaign.toml --json");
    let forecast: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    let needed = json!({"spring": {"needed": 3, "available": 0, "made": 3, "missing": 0, "dry_at": null}});
    assert_eq!((check.code, &forecast["enough"], &forecast["pools"]), (Some(0), &json!(true), &needed));
    assert_eq!(check.stderr, "3 codes will be made when pool 'spring' has none left\n");
    shop.ok("pool generate spring --count 2");
    let forecast = shop.json("campaign check campaign.toml --json");
    assert_eq!(forecast["pools"]["spring"]["made"], 1);
    assert_eq!(shop.run("campaign run campaign.toml --out out").code, Some(0));
    let report: serde_json::Value = serde_json::from_str(&shop.read("out/report.json")).unwrap();
    assert_eq!((&report["rendered"], &report["vouchers"]), (&json!(3), &json!({"spring": 3})));
    assert_eq!(shop.json("pool show spring --json")["total"], 3);
}
