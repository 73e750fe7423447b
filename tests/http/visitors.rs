//! Who looks at a layer: tokens and cookies.

use serde_json::json;

use crate::layers::{OLD_SECRET, SECRET, assigned, code, display, display_with, shop, signed, token};
use crate::service::Answer;

/// The cookie of an answer, as a browser sends it back.
fn cookie(answer: &Answer) -> &str {
    answer.header("set-cookie").unwrap().split(';').next().unwrap()
}

#[test]
fn two_visitors_see_two_codes() {
    let service = shop("", 10).serve();
    let of = |customer: &str| {
        let json = json!({"layer": "spring", "customer": customer, "exp": 99_999_999_999_u64});
        code(&display(&service, &json!({"token": signed(SECRET, &json.to_string())})))
    };
    assert_ne!(of("c1"), of("c2"));
    assert_eq!(of("c1"), of("c1"));
}

#[test]
fn a_key_that_is_being_replaced_holds_still() {
    let service = shop("", 10).serve();
    let token = signed(OLD_SECRET, r#"{"layer":"spring","customer":42,"exp":99999999999}"#);
    code(&display(&service, &json!({"token": token})));
    assert!(service.shop.tearoff(&["customer", "show", "42", "--json"]).contains("SPR-"));
}

#[test]
fn no_token_that_does_not_hold_takes_a_code_and_all_get_one_answer() {
    let service = shop("", 10).serve();
    let good = token(&service.shop, &[]);
    let json = |layer: &str, exp: u64| json!({"layer": layer, "customer": "c42", "exp": exp}).to_string();
    let (payload, signature) = good.split_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" }.to_owned() + &signature[1..];
    let none = signed(SECRET, r#"{"alg":"none"}"#);
    let wishes = [
        json!({"token": signed(SECRET, &json("spring", 1))}),
        json!({"token": signed(SECRET, &json("autumn", 99_999_999_999))}),
        json!({"token": signed("a secret that nobody here has heard of", &json("spring", 99_999_999_999))}),
        json!({"token": format!("{payload}.{flipped}")}),
        json!({"token": format!("{payload}.")}),
        json!({"token": payload}),
        json!({"token": format!("{}.{payload}.", none.split('.').next().unwrap())}),
        json!({"token": "x".repeat(20_000)}),
        json!({"token": ""}),
        json!({}),
    ];
    let answers: Vec<Answer> = wishes.iter().map(|wish| display(&service, wish)).collect();
    for (wish, answer) in wishes.iter().zip(&answers) {
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"), "{wish}");
        assert_eq!(answer.body, answers[0].body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(assigned(&service.shop), 0);
}

#[test]
fn an_anonymous_visitor_is_known_by_a_cookie() {
    let service = shop("anonymous = true", 10).serve();
    let first = display(&service, &json!({}));
    let set = first.header("set-cookie").unwrap();
    for part in ["Path=/v1/layers", "HttpOnly", "SameSite=None; Secure; Partitioned", "Max-Age=15552000"] {
        assert!(set.contains(part), "{set}");
    }
    let again = display_with(&service, &[("Cookie", &format!("theme=dark; {}", cookie(&first)))], &json!({}));
    assert_eq!(code(&again), code(&first));
    assert_eq!(cookie(&again), cookie(&first));
    let other = display(&service, &json!({}));
    assert_ne!(code(&other), code(&first));
    let forged = format!("{}.{}", cookie(&first).rsplit_once('.').unwrap().0, "A".repeat(43));
    let answer = display_with(&service, &[("Cookie", &forged)], &json!({}));
    assert_ne!(code(&answer), code(&first));
    assert_eq!(assigned(&service.shop), 3);
}

#[test]
fn a_cookie_is_no_token_and_a_token_no_cookie() {
    let service = shop("anonymous = true", 10).serve();
    let first = display(&service, &json!({}));
    let value = cookie(&first).split_once('=').unwrap().1;
    assert_eq!(display(&service, &json!({"token": value})).status, 401);
    let token = token(&service.shop, &[]);
    let answer = display_with(&service, &[("Cookie", &format!("tearoff_visitor={token}"))], &json!({}));
    assert_ne!(code(&answer), code(&display(&service, &json!({"token": token}))));
}

#[test]
fn without_encryption_the_cookie_stays_within_the_site() {
    let local = "anonymous = true\n[layers.local]\norigins = [\"http://localhost:3000\"]\ntemplate = \"spring\"\nanonymous = true";
    let service = shop(local, 10).serve();
    let headers = [("Content-Type", "application/json"), ("Origin", "http://localhost:3000")];
    let answer = service.call("POST", "/v1/layers/local/display", &headers, b"{}");
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("SameSite=Lax") && !set.contains("Secure"), "{set}");
}
