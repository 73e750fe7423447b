//! The OpenAPI document: made from the code, so that it says what the code does.
//!
//! `docs/openapi.json` is the same document, for those who have no service at hand. A test holds it to what is served.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{Scope, Service};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tearoff",
        description = "Renders templates with single-use voucher codes, each exactly once.\n\n\
            A message belongs to its id: rendered again under the same one, however often and from wherever, it shows the same \
            codes. Codes, customer ids and message ids stand in bodies and never in URLs. Whatever is refused is a problem of \
            RFC 9457 with a `code` for programs, and has changed nothing.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "The service that serves this document")),
    tags(
        (name = "messages", description = "Messages for senders: one, or a stream of them."),
        (name = "layers", description = "Web layers, shown by browsers. Visitors are signed, and need no key."),
        (name = "pools", description = "The stock of vouchers: settings, counts, imports."),
        (name = "vouchers", description = "Vouchers that customers use, and events that use them."),
        (name = "customers", description = "The vouchers of one customer."),
        (name = "operation", description = "Whether the service lives, works, and how well.")
    ),
    security(("key" = [])),
    modifiers(&Access)
)]
struct Base;

/// What each scope allows.
const SCOPES: [(Scope, &str); 8] = [
    (Scope::Render, "messages of every channel"),
    (Scope::RenderWeb, "messages of the channel `web_layer` alone"),
    (Scope::Test, "messages of the mode `test`"),
    (Scope::PoolsRead, "settings and counts of pools"),
    (Scope::PoolsWrite, "imports, and settings of pools"),
    (Scope::CodesRead, "codes and who has them"),
    (Scope::Redeem, "the use of vouchers, and events"),
    (Scope::Admin, "everything"),
];

/// How callers say who they are.
struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut Document) {
        let scopes = SCOPES.map(|(scope, allows)| format!("- `{}`: {allows}", name(scope))).join("\n");
        let description = format!("A key of the service, which has some of these scopes:\n\n{scopes}");
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        document.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// A scope as keys have it.
fn name(scope: Scope) -> String {
    serde_json::to_value(scope).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The document without its calls.
pub(super) fn base() -> Document {
    Base::openapi()
}

/// Names each call by its method and path, which no two share: `get_pools_pool_vouchers`.
fn name_calls(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        let words = path.split(['/', '{', '}', '.']).filter(|word| !matches!(*word, "" | "v1"));
        let name = words.collect::<Vec<_>>().join("_");
        let calls =
            [("get", &mut item.get), ("put", &mut item.put), ("post", &mut item.post), ("delete", &mut item.delete)];
        for (method, call) in calls {
            if let Some(call) = call {
                call.operation_id = Some(format!("{method}_{name}"));
            }
        }
    }
}

/// `GET /openapi.json`.
pub(super) fn routes(mut document: Document) -> Router<Arc<Service>> {
    name_calls(&mut document);
    let json = document.to_pretty_json().unwrap_or_default() + "\n";
    Router::new().route("/openapi.json", get(move || async { ([(CONTENT_TYPE, "application/json")], json) }))
}
