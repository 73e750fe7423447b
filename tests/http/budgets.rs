//! How often a layer is shown, whoever asks however often.

use std::time::Duration;

use serde_json::{Value, json};

use crate::layers::{SECRET, SHOP, assigned, code, display, display_with, shop, signed, token};
use crate::service::Running;

#[test]
fn a_visitor_has_a_budget() {
    let service = shop("per_visitor_per_minute = 2", 10).serve();
    let wish = json!({"token": token(&service.shop, &[])});
    code(&display(&service, &wish));
    code(&display(&service, &wish));
    let refused = display(&service, &wish);
    assert_eq!((refused.status, refused.problem().as_str()), (429, "too_many_displays"));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((2..=31).contains(&seconds), "{seconds}");
    let other = signed(SECRET, r#"{"layer":"spring","customer":"c1","exp":99999999999}"#);
    code(&display(&service, &json!({"token": other})));
}

#[test]
fn an_address_is_believed_only_from_a_trusted_proxy() {
    let settings = "anonymous = true\nper_address_per_minute = 1";
    let shop_behind = |proxies: &str| shop(&format!("{settings}\n[http]\ntrusted_proxies = [{proxies}]"), 10).serve();
    let statuses = |service: &Running| {
        ["203.0.113.1", "203.0.113.2", "203.0.113.1"]
            .map(|address| display_with(service, &[("X-Forwarded-For", address)], &json!({})).status)
    };
    assert_eq!(statuses(&shop_behind("")), [200, 429, 429]);
    assert_eq!(statuses(&shop_behind("\"127.0.0.0/8\"")), [200, 200, 429]);
}

/// As many displays as somebody who wants to drain a pool asks for, over connections that stay open.
fn drain(service: &Running, displays: usize, wish: impl Fn(usize) -> Value + Sync) -> usize {
    const AT_ONCE: usize = 8;
    let url = format!("http://{}/v1/layers/spring/display", service.address());
    std::thread::scope(|scope| {
        let drain = |worker: usize| {
            let config = ureq::Agent::config_builder().http_status_as_error(false);
            let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
            let asked = (worker..displays).step_by(AT_ONCE).map(|n| {
                let request = agent.post(&url).header("Content-Type", "application/json").header("Origin", SHOP);
                let mut answer = request.send(wish(n).to_string()).unwrap();
                answer.body_mut().read_to_vec().unwrap();
                answer.status().as_u16()
            });
            asked.filter(|status| *status == 200).count()
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|worker| scope.spawn(move || drain(worker))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

/// What a budget lets through: all of it at once, and what it gains meanwhile.
fn most(per_minute: u64, began: std::time::Instant) -> u64 {
    per_minute + per_minute * (began.elapsed().as_secs() + 1) / 60
}

#[test]
fn ten_thousand_displays_of_one_visitor_take_no_more_than_the_settings_allow() {
    let service =
        shop("reuse = \"display\"\nper_visitor_per_minute = 40\nper_address_per_minute = 100000", 1_000).serve();
    let token = token(&service.shop, &[]);
    let began = std::time::Instant::now();
    let shown = drain(&service, 10_000, |n| json!({"token": token, "display": format!("display-{n}")}));
    assert!((40..=most(40, began)).contains(&(shown as u64)), "{shown}");
    assert_eq!(assigned(&service.shop), shown as u64);
}

#[test]
fn ten_thousand_displays_from_one_address_take_no_more_than_the_settings_allow() {
    let service = shop("anonymous = true\nper_address_per_minute = 60", 1_000).serve();
    let began = std::time::Instant::now();
    let shown = drain(&service, 10_000, |_| json!({}));
    assert!((60..=most(60, began)).contains(&(shown as u64)), "{shown}");
    assert_eq!(assigned(&service.shop), shown as u64);
}

#[test]
fn a_layer_has_a_budget_for_all_together() {
    let settings = "displays_per_minute = 50\nper_address_per_minute = 100000";
    let service = shop(settings, 1_000).serve();
    let began = std::time::Instant::now();
    let shown = drain(&service, 500, |n| {
        let json = json!({"layer": "spring", "customer": n, "exp": 99_999_999_999_u64});
        json!({"token": signed(SECRET, &json.to_string())})
    });
    assert!((50..=most(50, began)).contains(&(shown as u64)), "{shown}");
    assert_eq!(assigned(&service.shop), shown as u64);
}
