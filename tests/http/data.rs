//! What comes in by a URL is data: template syntax in it is printed as it stands, escaped as its part needs it, and claims nothing.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::attacks::ATTACKS;
use crate::layers::{assigned, display, shop, token};
use crate::service::Running;

const CODE: &str = "{{ vouchers['spring'].assign_available() }}";

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('\'', "&#39;")
}

/// A service with a layer that prints what its page was called with, and a pool `p` for whoever gets it to claim there.
fn service() -> Running {
    let shop = shop("", 10);
    shop.stock("p", "P", 5);
    let printing = "{{ customer.first_name }}|{{ params.utm }}|{{ params.utm ~ '' }}|{{ params['utm'][:500] }}";
    shop.write(
        "templates/spring/body.html",
        format!("{printing}|<a href=\"?u={{{{ params.utm|urlencode }}}}\">{{{{ params }}}}</a>|{CODE}"),
    );
    shop.write("templates/spring/body.txt", printing);
    shop.write("templates/spring/body.json", "{{ params }}");
    shop.serve()
}

#[test]
fn the_parameters_of_a_pages_url_are_printed_and_claim_nothing() {
    let service = service();
    for (shown, attack) in ATTACKS.into_iter().enumerate() {
        let token = token(&service.shop, &["--attributes", &json!({"first_name": attack}).to_string()]);
        let params = json!({"utm": attack, attack: [attack]});
        let answer = display(&service, &json!({"token": token, "context": {"params": params, attack: attack}}));
        assert_eq!(answer.status, 200, "{attack}: {answer:?}");
        let layer = answer.json();
        let text = |part: &str| layer["parts"][part].as_str().unwrap().to_owned();
        assert_eq!(text("body.txt"), format!("{attack}|{attack}|{attack}|{attack}"));
        assert!(text("body.html").starts_with(&format!("{0}|{0}|{0}|{0}|<a href=\"?u=", html(attack))), "{layer}");
        assert!(text("body.html").contains(&html(attack)) && !text("body.html").contains("P-"), "{layer}");
        assert_eq!(serde_json::from_str::<Value>(&text("body.json")).unwrap(), params);
        assert_eq!(layer["codes"].as_array().unwrap().len(), 1);
        assert_eq!(assigned(&service.shop), 1, "the {shown}th display takes the code of the template and no other");
    }
    assert_eq!(service.get("/v1/pools/p").json()["available"], 5);
}

#[test]
fn what_stands_in_the_services_own_urls_names_nothing_and_claims_nothing() {
    let service = service();
    let before = service.pools();
    for attack in ATTACKS {
        let encoded = utf8_percent_encode(attack, NON_ALPHANUMERIC).to_string();
        for path in [
            format!("/v1/pools/{encoded}"),
            format!("/v1/pools/p/vouchers?state={encoded}"),
            format!("/v1/pools/p/vouchers?cursor={encoded}"),
            format!("/v1/pools/p/vouchers?{encoded}={encoded}"),
        ] {
            let answer = service.get(&path);
            assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
            refuses_without_reading(&answer.json());
        }
        for path in [
            format!("/v1/layers/{encoded}/display"),
            format!("/v1/pools/{encoded}/generate"),
            format!("/v1/pools/p/import?column={encoded}"),
        ] {
            let answer = service.call(
                "POST",
                &path,
                &[("Content-Type", "text/csv"), ("Origin", crate::layers::SHOP)],
                b"code\nX1\n",
            );
            assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
            refuses_without_reading(&answer.json());
        }
    }
    assert_eq!(service.pools(), before);
}

/// A problem that evaluates nothing of what it may repeat.
#[track_caller]
fn refuses_without_reading(problem: &Value) {
    let told = problem.to_string();
    assert!(!told.contains("__joined 49") && !told.contains("P-") && !told.contains("p-preview"), "{told}");
}

#[test]
fn a_column_that_a_url_names_is_found_and_its_name_is_data() {
    let service = service();
    let import = |attack: &str, codes: &str| {
        let quoted = attack.replace('"', "\"\"");
        let column = utf8_percent_encode(attack, NON_ALPHANUMERIC);
        let body = format!("\"{quoted}\",\"note {quoted}\"\n{codes}\n");
        service.send(&format!("/v1/pools/new/import?column={column}"), "text/csv", body)
    };
    for (at, attack) in ATTACKS.into_iter().enumerate() {
        let answer = import(attack, &format!("N-{at},\"{attack}\""));
        assert_eq!((answer.status, &answer.json()["added"]), (200, &json!(1)), "{attack}: {answer:?}");
        let found = service.post("/v1/vouchers/lookup", &json!({"code": format!("N-{at}")})).json();
        assert_eq!(found["metadata"], json!({format!("note {attack}"): attack}));
    }
    let parts =
        json!({"body.txt": "{% for n in range(8) %}{{ vouchers.new.assign(cached=false).metadata }}|{% endfor %}"});
    let message = json!({"message_id": "m", "channel": "sms", "customer": {"id": "c1"}, "parts": parts});
    let outcome = service.post("/v1/messages", &message).json();
    assert_eq!(outcome["vouchers"].as_array().unwrap().len(), 8, "{outcome}");
    let text = outcome["parts"]["body.txt"].as_str().unwrap();
    for attack in ATTACKS {
        assert!(text.contains(&attack.replace('\'', "\\'")) || text.contains(attack), "{attack}: {text}");
    }
    assert_eq!(service.get("/v1/pools/p").json()["available"], 5);
}
