//! Messages: one, a stream of them, and those that will never be delivered.

mod batch;
mod form;
mod lines;
mod page;
mod schema;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::form::{Found, MessageForm, Order};
use super::Service;
use super::access::{Allowed, Caller, Render, Scope};
use super::audit::audit;
use super::body::Body;
use super::problem::Problem;
use super::refusals::Sent;
use super::templates::Ready;
use crate::campaign::{Outcome, preview};
use crate::error::Result;
use crate::render::{Message, Purpose};
use crate::voucher::{Catalogue, MessageId, ReleasedMessage};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(render)).routes(routes!(release)).merge(batch::routes())
}

/// A caller who may render something. What exactly, the message says.
struct Renders(Caller);

impl FromRequestParts<Arc<Service>> for Renders {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Renders, Problem> {
        let caller = Caller::from_request_parts(parts, service).await?;
        if !caller.has(Scope::RenderWeb) && !caller.has(Scope::Test) {
            caller.must_have(Scope::Render)?;
        }
        Ok(Renders(caller))
    }
}

/// Renders a message, and gives its outcome.
///
/// Asked for again under the same id, it shows the same codes. That a pool is empty or a template wrong is an outcome, too.
#[utoipa::path(post, path = "/v1/messages", tag = "messages",
    security(("key" = ["render"]), ("key" = ["render:web"]), ("key" = ["test"])),
    request_body = MessageForm, responses(
    (status = OK, body = schema::Outcome),
    (status = GONE, description = "The message was released", body = Problem, content_type = "application/problem+json"),
    Sent
))]
async fn render(
    State(service): State<Arc<Service>>,
    Renders(caller): Renders,
    Body(form): Body<MessageForm>,
) -> Result<Response, Problem> {
    let order = form.read(&caller, service.settings.parts_bytes)?;
    let ready = match order.find(&service.templates).await? {
        Found::Ready(ready) => ready,
        Found::Broken(outcome) => {
            service.metrics.outcome(&outcome);
            return Ok(Json(outcome).into_response());
        }
    };
    let Order { message, .. } = order;
    let outcome = if message.purpose == Purpose::Preview {
        let catalogue = Arc::new(service.store.catalogue().await?);
        previewed(&service, &ready, message, &catalogue).await?
    } else {
        ready.gatherer.personalize(message).await?.accepted()?
    };
    service.metrics.outcome(&outcome);
    let response = Json(&outcome).into_response();
    ready.recycle(outcome);
    Ok(response)
}

/// Renders a message with preview codes, on the threads that render.
async fn previewed(service: &Service, ready: &Ready, message: Message, catalogue: &Arc<Catalogue>) -> Result<Outcome> {
    let (template, catalogue) = (Arc::clone(&ready.template), Arc::clone(catalogue));
    service.templates.threads().once(move || preview(&template, &Arc::new(message), &catalogue)).await
}

/// A message that will never be delivered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleaseForm {
    /// Its id.
    #[schema(value_type = String, min_length = 1, max_length = 512, example = "hello/c42")]
    message_id: MessageId,
}

/// Takes back what a message holds that will never be delivered, and retires its id.
///
/// Vouchers that the customer has for a whole campaign or for good stay with the customer, and so do those that are redeemed.
/// Asked again, it gives nothing more back.
#[utoipa::path(post, path = "/v1/messages/release", tag = "messages",
    security(("key" = ["render"])), request_body = ReleaseForm, responses(
    (status = OK, body = schema::ReleasedMessage),
    (status = NOT_FOUND, description = "No such message took a voucher", body = Problem,
        content_type = "application/problem+json"),
    Sent
))]
async fn release(
    State(service): State<Arc<Service>>,
    caller: Allowed<Render>,
    Body(ReleaseForm { message_id }): Body<ReleaseForm>,
) -> Result<Json<ReleasedMessage>, Problem> {
    let released = service.store.release_message(&message_id).await?;
    audit(&caller.0, "message.release", None);
    Ok(Json(released))
}
