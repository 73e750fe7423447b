//! The OpenAPI document: made from the code, so that it says what the code does.
//!
//! `docs/openapi.json` is the same document, for those who have no service at hand. A test holds it to what is served.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};
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
        let description = format!(
            "A key of the service, which has some of these scopes:\n\n{scopes}\n\n\
             Each call names those that it asks for; a key with one of them may call it."
        );
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

/// Says of each answer what it means, where the call itself says nothing.
fn describe_answers(document: &mut Document) {
    let items = document.paths.paths.values_mut();
    let calls = items.flat_map(|item| [&mut item.get, &mut item.put, &mut item.post, &mut item.delete]).flatten();
    for (status, answer) in calls.flat_map(|call| &mut call.responses.responses) {
        if let RefOr::T(answer) = answer
            && answer.description.is_empty()
        {
            answer.description = usual_meaning(status).to_owned();
        }
    }
}

/// What a status means, whichever call answers it.
fn usual_meaning(status: &str) -> &'static str {
    match status {
        "200" => "It is done, and this is the answer",
        "201" => "It is made",
        "204" => "There is nothing to say",
        "304" => "The caller has it already",
        "400" => "The body is not what its type says",
        "401" => "The call has no key, or one that is not known",
        "403" => "The key does not have the scope for it",
        "404" => "There is no such thing",
        "408" => "The body took too long",
        "409" => "The present state does not allow it",
        "410" => "It is over for good",
        "413" => "The body is larger than this call takes",
        "415" => "The body is of another type than this call takes",
        "422" => "Something in the request cannot be; the detail says what",
        "429" => "These are too many calls; `Retry-After` says when the next may come",
        "503" => "The store cannot be reached, or too much is asked at once; the same call may succeed later",
        _ => "Something is wrong",
    }
}

/// `GET /openapi.json`.
pub(super) fn routes(mut document: Document) -> Router<Arc<Service>> {
    name_calls(&mut document);
    describe_answers(&mut document);
    let json = document.to_pretty_json().unwrap_or_default() + "\n";
    Router::new().route("/openapi.json", get(move || async { ([(CONTENT_TYPE, "application/json")], json) }))
}
