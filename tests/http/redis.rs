//! The service over a Redis that it shares with others, also one that is killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use crate::layers::{SECRET, SHOP, assigned, code, display, signed};
use crate::servers::{Server, until};
use crate::service::{Answer, Running, Shop};

/// How many visitors ask while the server is killed.
const VISITORS: usize = 24;

/// A service with a message and a layer that show a code of the pool `spring`.
fn over(server: &Server, codes: usize) -> Running {
    let shop = Shop::new();
    let visitors = format!("[visitors]\nkeys = [{{ id = \"a\", secret = \"{SECRET}\" }}]\n");
    let layer = format!(
        "[layers.spring]\norigins = [\"{SHOP}\"]\n\
         displays_per_minute = 1000000\nper_visitor_per_minute = 1000000\nper_address_per_minute = 1000000\n"
    );
    shop.write("tearoff.toml", format!("store = \"{}\"\n{visitors}{layer}", server.url()));
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    shop.write("templates/spring/body.html", "<b>{{ vouchers.spring.assign_available() }}</b>");
    shop.stock("spring", "SPR", codes);
    shop.serve()
}

fn message(id: &str) -> Value {
    json!({"message_id": id, "template": "hi", "channel": "sms", "customer": {"id": id}})
}

fn wish(customer: &str) -> Value {
    json!({"token": signed(SECRET, &format!(r#"{{"layer": "spring", "customer": "{customer}", "exp": 4102444800}}"#))})
}

/// The code of each customer, as the store has it.
fn owners(shop: &Shop) -> BTreeMap<String, String> {
    let vouchers = shop.tearoff(&["export", "vouchers", "--pool", "spring", "--format", "jsonl"]);
    let vouchers = vouchers.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |voucher: &Value, name: &str| voucher[name].as_str().map(str::to_owned);
    let owned = vouchers.filter_map(|voucher| Some((word(&voucher, "customer_id")?, word(&voucher, "code")?)));
    owned.collect()
}

#[test]
fn messages_and_layers_have_the_codes_that_the_store_assigned() {
    let server = Server::start();
    let service = over(&server, 3);
    let sent = |id: &str| {
        let outcome = service.post("/v1/messages", &message(id)).json();
        outcome["vouchers"][0]["code"].as_str().unwrap_or_else(|| panic!("no code: {outcome}")).to_owned()
    };
    let first = sent("m1");
    assert_eq!(sent("m1"), first, "the same message");
    let shown = code(&display(&service, &wish("c1")));
    assert_eq!(code(&display(&service, &wish("c1"))), shown, "the same visitor");
    let wanted = [("m1", &first), ("c1", &shown)];
    assert_eq!(owners(&service.shop), wanted.map(|(id, code)| (id.to_owned(), code.clone())).into());
}

#[test]
fn a_stream_that_empties_the_pool_goes_on_and_what_is_released_is_given_again() {
    let server = Server::start();
    let service = over(&server, 3);
    let batch = |ids: &[&str]| {
        let body: String = ids.iter().map(|id| format!("{}\n", message(id))).collect();
        let answer = service.send("/v1/messages/batch", "application/x-ndjson", body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let lines = String::from_utf8(answer.body).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let codes = |answers: &[Value]| {
        let code = |answer: &Value| answer["vouchers"][0]["code"].as_str().map(str::to_owned);
        answers.iter().map(code).collect::<Vec<_>>()
    };
    let answers = batch(&["m0", "m1", "m2", "m3", "m4"]);
    assert!(answers[3..].iter().all(|answer| answer["reason"] == "pool_empty"), "{answers:?}");
    let (first, owned) = (codes(&answers), owners(&service.shop));
    assert_eq!(first[..3], ["m0", "m1", "m2"].map(|id| owned.get(id).cloned()));

    let release = || service.post("/v1/messages/release", &json!({"message_id": "m1"})).json();
    assert_eq!(release(), json!({"released": 1, "kept": 0}));
    assert_eq!(release(), json!({"released": 0, "kept": 0}));
    assert_eq!(assigned(&service.shop), 2);
    let again = batch(&["m0", "m2", "m3"]);
    assert_eq!(codes(&again), [first[0].clone(), first[2].clone(), first[1].clone()]);
}

/// What a display that may have met a killed server shows.
fn shown(answer: &Answer) -> Option<String> {
    if answer.status == 200 {
        return Some(code(answer));
    }
    assert_eq!((answer.status, &answer.json()["retryable"]), (503, &json!(true)), "{answer:?}");
    None
}

#[test]
fn a_server_that_is_killed_under_displays_gives_nobody_anothers_code() {
    let server = Server::start();
    let service = over(&server, 2 * VISITORS);
    let (is_over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let visit = &|visitor: usize| {
        let (wish, mut seen) = (wish(&format!("c{visitor}")), BTreeSet::new());
        // Each begins at another moment, so that some see their code for the first time around a kill.
        sleep(Duration::from_millis(35 * visitor as u64));
        while !is_over.load(Ordering::SeqCst) {
            match shown(&display(&service, &wish)) {
                Some(code) => drop(seen.insert(code)),
                None => drop(refused.fetch_add(1, Ordering::SeqCst)),
            }
        }
        seen.insert(until("the layer is shown again", || shown(&display(&service, &wish))));
        assert_eq!(seen.len(), 1, "a visitor sees one code");
        seen.pop_first().unwrap()
    };
    let codes: Vec<String> = scope(|scope| {
        let visitors: Vec<_> = (0..VISITORS).map(|visitor| scope.spawn(move || visit(visitor))).collect();
        for is_long in [false, false, true] {
            sleep(Duration::from_millis(200));
            server.kill_9();
            if is_long {
                until("somebody is told", || (refused.load(Ordering::SeqCst) > 0).then_some(()));
            }
            server.restart();
        }
        is_over.store(true, Ordering::SeqCst);
        visitors.into_iter().map(|visitor| visitor.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), VISITORS, "no code twice");
    let owned = until("nothing is reserved any more", || {
        let owned = owners(&service.shop);
        (owned.len() == VISITORS).then_some(owned)
    });
    let wanted = codes.iter().enumerate().map(|(visitor, code)| (format!("c{visitor}"), code.clone()));
    assert_eq!(owned, wanted.collect());
    assert_eq!(assigned(&service.shop), VISITORS as u64);
}
