//! `token`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::shop::{Run, Shop};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A run with a secret in the environment.
fn token(shop: &Shop, secret: &str, arguments: &[&str]) -> Run {
    let arguments = [&["token", "--layer", "spring", "--customer", "c42"], arguments].concat();
    Run::of(shop.command(&arguments).env("TEAROFF_VISITOR_SECRET", secret))
}

#[test]
fn a_token_says_who_looks_and_for_how_long() {
    let shop = Shop::new();
    let run = token(&shop, SECRET, &["--valid-for", "10m", "--attributes", r#"{"first_name": "Ada"}"#]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let payload = URL_SAFE_NO_PAD.decode(run.stdout.split('.').next().unwrap()).unwrap();
    let visit: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((visit["layer"].as_str(), visit["customer"].as_str()), (Some("spring"), Some("c42")));
    assert_eq!(visit["attributes"]["first_name"], "Ada");
    let seconds = visit["exp"].as_i64().unwrap() - jiff::Timestamp::now().as_second();
    assert!((590..=600).contains(&seconds), "{seconds}");
}

#[test]
fn the_key_of_the_environment_signs_before_those_of_the_file() {
    let shop = Shop::new();
    shop.write(
        "tearoff.toml",
        "[visitors]\nkeys = [{ id = \"a\", secret = \"another secret, and as long as it must be\" }]\n",
    );
    let of_file = shop.ok("token --layer spring --customer c42 --valid-for 36500d");
    let of_environment = token(&shop, SECRET, &["--valid-for", "36500d"]).stdout;
    assert_ne!(of_file.split('.').nth(1), of_environment.split('.').nth(1));
}

#[test]
fn what_makes_no_token_is_named() {
    let shop = Shop::new();
    let run = shop.run("token --layer spring --customer c42");
    run.fails(
        7,
        "error: there is no key to sign the token with\nhelp: set TEAROFF_VISITOR_SECRET, or keys in the section [visitors] of tearoff.toml",
    );
    let short = token(&shop, "s3cr3t", &[]);
    assert_eq!(short.code, Some(7));
    assert!(short.stderr.contains("'TEAROFF_VISITOR_SECRET' is shorter than 32 bytes"), "{short:?}");
    assert!(!short.stderr.contains("s3cr3t"), "{short:?}");
    for (arguments, message) in [
        (["--valid-for", "soon"], "--valid-for: 'soon' is not a span of time"),
        (["--attributes", "[]"], "--attributes: not a JSON object"),
        (["--layer", "spring sale"], "layer name 'spring sale' is not a valid name"),
    ] {
        let shop = Shop::new();
        let base = ["token", "--customer", "c42"];
        let layer: &[&str] = if arguments[0] == "--layer" { &[] } else { &["--layer", "spring"] };
        let run = Run::of(shop.command(&[&base, layer, &arguments].concat()).env("TEAROFF_VISITOR_SECRET", SECRET));
        assert_eq!(run.code, Some(7), "{run:?}");
        assert!(run.stderr.contains(message), "{run:?}");
    }
}
