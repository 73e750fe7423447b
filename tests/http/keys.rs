//! Keys: who may call, and until when.

use crate::servers::until;
use crate::service::{Answer, Running, Shop};

/// Makes a key, and gives its id and what its owner presents.
fn make(shop: &Shop, scope: &str) -> (String, String) {
    let key = shop.tearoff(&["key", "create", "--scope", scope, "--name", "shop"]).trim().to_owned();
    (id(&key), key)
}

fn id(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

/// A call that needs `pools:read`, as it comes through a proxy.
fn call(service: &Running, authorization: &str) -> Answer {
    service.call("GET", "/metrics", &[("Authorization", authorization), ("X-Forwarded-For", "198.51.100.7")], b"")
}

fn status(service: &Running, key: &str) -> u16 {
    call(service, &format!("Bearer {key}")).status
}

#[test]
fn a_key_is_shown_once_and_kept_as_a_hash() {
    let shop = Shop::new();
    let (id, key) = make(&shop, "pools:read");
    let secret = key.rsplit('_').next().unwrap();
    assert_eq!(key, format!("tro_{id}_{secret}"));
    assert!(secret.len() == 64 && secret.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
    let file = std::fs::read_to_string(shop.path("tearoff.keys.json")).unwrap();
    assert!(file.contains(&id) && !file.contains(secret), "{file}");
    let list = shop.tearoff(&["key", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&list[0]["id"], &list[0]["name"], &list[0]["scopes"][0]),
        (&id.into(), &"shop".into(), &"pools:read".into())
    );
    assert!(list[0].get("secrets").is_none(), "{list}");
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::new();
    make(&shop, "render");
    make(&shop, "render");
    let mode = std::fs::metadata(shop.path("tearoff.keys.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
}

#[test]
fn only_a_key_with_the_scope_may_call() {
    let shop = Shop::new();
    let ((_, reader), (_, renderer), (_, admin)) =
        (make(&shop, "pools:read"), make(&shop, "render"), make(&shop, "admin"));
    let service = shop.serve_with(&[]);
    assert_eq!((status(&service, &reader), status(&service, &admin)), (200, 200));
    let answer = call(&service, &format!("Bearer {renderer}"));
    assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"));
    let flipped = reader.strip_suffix(|_| true).unwrap().to_owned() + if reader.ends_with('0') { "1" } else { "0" };
    let wrong =
        [String::new(), format!("Bearer {flipped}"), format!("Basic {reader}"), reader.clone(), "Bearer ".into()];
    let answers = wrong.map(|header| call(&service, &header));
    for answer in &answers {
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
        assert_eq!(answer.body, answers[0].body);
    }
    for secret in [&reader, &renderer, &admin, &flipped] {
        assert!(!service.log().contains(secret.rsplit('_').next().unwrap()), "{}", service.log());
    }
    assert!(service.log().contains(&id(&reader)), "{}", service.log());
}

#[test]
fn a_running_service_takes_up_what_becomes_of_keys() {
    let service = Shop::new().serve_with(&[]);
    assert!(service.log().contains("there is no key, so nobody can call the service"), "{}", service.log());
    let (id, key) = make(&service.shop, "pools:read");
    until("the key is known", || (status(&service, &key) == 200).then_some(()));
    service.shop.tearoff(&["key", "revoke", &id]);
    until("the key is refused", || (status(&service, &key) == 401).then_some(()));
}

#[test]
fn an_old_secret_is_valid_for_its_grace() {
    let shop = Shop::new();
    let (id, first) = make(&shop, "pools:read");
    let second = shop.tearoff(&["key", "rotate", &id]).trim().to_owned();
    assert!(second != first && second.starts_with(&format!("tro_{id}_")), "{second}");
    let service = shop.serve_with(&[]);
    assert_eq!((status(&service, &first), status(&service, &second)), (200, 200));
    let third = service.shop.tearoff(&["key", "rotate", &id, "--grace", "1s"]).trim().to_owned();
    until("the third is known", || (status(&service, &third) == 200).then_some(()));
    for old in [&first, &second] {
        until("the old secret has ended", || (status(&service, old) == 401).then_some(()));
    }
    assert_eq!(status(&service, &third), 200);
}

#[test]
fn programs_that_make_keys_at_once_lose_none() {
    let shop = Shop::new();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| make(&shop, "render"))).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    let list = shop.tearoff(&["key", "list", "--json"]);
    for (id, _) in keys {
        assert!(list.contains(&id), "{id} is not in {list}");
    }
}

#[test]
fn a_broken_file_is_an_error_that_does_not_quote_it() {
    let shop = Shop::new();
    for text in ["{", "[]", r#"{"keys": [{"id": "SECRET"}]}"#, r#"{"keys": [], "more": 1}"#] {
        shop.write("tearoff.keys.json", text);
        for arguments in
            [&["key", "list"][..], &["key", "create", "--scope", "render"], &["serve", "--listen", "127.0.0.1:0"]]
        {
            let output = shop.command(arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(7), "{arguments:?}: {said}");
            assert!(said.contains("tearoff.keys.json: this is no file of keys (line 1, column "), "{said}");
            assert!(!said.contains("SECRET"), "{said}");
        }
        assert_eq!(std::fs::read_to_string(shop.path("tearoff.keys.json")).unwrap(), text);
    }
}

#[test]
fn keys_from_before_go_on_while_the_file_is_broken() {
    let shop = Shop::new();
    let (_, key) = make(&shop, "pools:read");
    let service = shop.serve_with(&[]);
    service.shop.write("tearoff.keys.json", "{");
    until("the service has seen it", || {
        assert_eq!(status(&service, &key), 200);
        service.log().contains("the keys from before go on to be valid").then_some(())
    });
    std::fs::remove_file(service.shop.path("tearoff.keys.json")).unwrap();
    until("no key is left", || (status(&service, &key) == 401).then_some(()));
}

#[test]
fn an_unknown_key_and_scope_are_told() {
    let shop = Shop::new();
    let run = |arguments: &[&str]| {
        let output = shop.command(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run(&["key", "revoke", "0000"]);
    assert_eq!((code, said.lines().next()), (Some(7), Some("error: there is no key '0000'")));
    let (code, said) = run(&["key", "rotate", &format!("tro_0_{}", "7".repeat(64))]);
    assert!(code == Some(7) && !said.contains("7777"), "{said}");
    assert_eq!(run(&["key", "create", "--scope", "everything"]).0, Some(2));
    assert_eq!(run(&["key", "create"]).0, Some(2));
    assert!(!shop.path("tearoff.keys.json").exists());
}

#[test]
fn the_numbers_are_open_to_this_machine_alone() {
    let service = Shop::new().serve_with(&[]);
    assert_eq!(service.get("/metrics").status, 200);
    for header in ["X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip"] {
        assert_eq!(service.call("GET", "/metrics", &[(header, "x")], b"").status, 401, "{header}");
    }
}

#[test]
fn a_service_for_everybody_listens_on_this_machine_alone() {
    let output = Shop::new().command(&["serve", "--dev", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--dev needs no keys"));
}
