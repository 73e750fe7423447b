//! What reaches the service from outside.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tearoff::http::{
    HttpSettings, LayerSettings, Layers, Metrics, Service, Templates, VisitorKey, VisitorSettings, router,
};
use tearoff::render::{Limits, Renderer};
use tearoff::store::SqliteStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Whatever stands in a body, the service answers, and refuses in the same form.
pub(crate) fn message(body: &[u8]) {
    let (status, answer) = ask("/v1/messages", body.to_vec());
    assert!(!status.is_server_error(), "{status}: {answer}");
    if status != StatusCode::OK {
        assert_eq!((&answer["status"], answer["code"].is_string()), (&json!(status.as_u16()), true), "{answer}");
    }
}

/// Nobody is known by a token that no key signed; and what a key signed is read, or not, without an error.
pub(crate) fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for forged in [text.clone().into_owned(), format!("{}.{text}", URL_SAFE_NO_PAD.encode(VISIT))] {
        assert_eq!(display(&forged), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(display(&signed(VISIT.as_bytes())), StatusCode::OK, "the same with its signature");
    let status = display(&signed(bytes));
    assert!([StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::UNPROCESSABLE_ENTITY].contains(&status), "{status}");
    assert!(
        status != StatusCode::OK || serde_json::from_slice::<Value>(bytes).is_ok_and(|visit| visit["layer"] == "any")
    );
}

const VISIT: &str = r#"{"layer":"any","customer":"c42","exp":4102444800}"#;

fn signed(visit: &[u8]) -> String {
    let (key, payload) =
        (ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes()), URL_SAFE_NO_PAD.encode(visit));
    let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, payload.as_bytes()));
    format!("{payload}.{signature}")
}

fn display(token: &str) -> StatusCode {
    ask("/v1/layers/any/display", json!({ "token": token }).to_string().into_bytes()).0
}

fn ask(path: &str, body: Vec<u8>) -> (StatusCode, Value) {
    static SERVED: OnceLock<(Runtime, Router, TempDir)> = OnceLock::new();
    let (runtime, router, _) = SERVED.get_or_init(|| {
        let (runtime, folder) = (Runtime::new().expect("threads"), tempfile::tempdir().expect("a folder"));
        let router = runtime.block_on(async { served(folder.path()) }).expect("a service");
        (runtime, router, folder)
    });
    let request = Request::post(path).header("Content-Type", "application/json").body(Body::from(body));
    let mut request = request.expect("a request");
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
    runtime.block_on(async {
        let answer = router.clone().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    })
}

/// A service with a layer.
fn served(folder: &Path) -> tearoff::Result<Router> {
    std::fs::create_dir_all(folder.join("any")).expect("a folder");
    std::fs::write(folder.join("any/body.html"), "<p>{{ customer.id }}</p>").expect("a template");
    let store = Arc::new(SqliteStore::in_memory("fuzz")?);
    let limits = Limits { instructions: 20_000, output_bytes: 10_000, ..Limits::default() };
    let templates = Templates::new(folder, Renderer::new(limits), store.clone(), store.clone(), None)?;
    let visitors = VisitorSettings { keys: vec![VisitorKey::new("a", SECRET)?], ..VisitorSettings::default() };
    let layer = LayerSettings {
        displays_per_minute: NonZeroU32::MAX,
        per_visitor_per_minute: NonZeroU32::MAX,
        per_address_per_minute: NonZeroU32::MAX,
        ..LayerSettings::default()
    };
    let layers = Layers::new(&[("any".to_owned(), layer)].into(), &visitors)?;
    let service = Service::new(store, templates, HttpSettings::default(), None, Metrics::new());
    Ok(router(&Arc::new(service.with_layers(layers))))
}
