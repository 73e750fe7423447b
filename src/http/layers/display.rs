//! `POST /v1/layers/{layer}/display`: a page asks for its visitor's layer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::origin::Asked;
use super::settings::{Labels, Reuse, Reveal};
use super::visitor::Visitor;
use super::{Layer, Layers};
use crate::campaign::{Outcome, Personalized, Reason};
use crate::error::{Error, Result};
use crate::http::Service;
use crate::http::address::Address;
use crate::http::body::Body;
use crate::http::problem::Problem;
use crate::render::{Attributes, Field, Message, Purpose};
use crate::voucher::{Channel, MessageId};

/// What a page asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Who looks, as the shop's backend says it. Without one it is whom the cookie names.
    token: Option<String>,
    /// Further variables of the template. They are data, whoever wrote them.
    #[serde(default)]
    #[schema(value_type = Object)]
    context: Map<String, Value>,
    /// What the page calls this display: with `reuse = "display"`, asked for again under the same name it shows the same codes.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{8,64}$")]
    display: Option<DisplayId>,
    /// That the visitor has clicked: a layer with `reveal = "click"` takes no code before.
    #[serde(default)]
    revealed: bool,
}

/// What a page calls a display.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct DisplayId(String);

impl TryFrom<String> for DisplayId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<DisplayId, &'static str> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_one = (8..=64).contains(&text.len()) && text.chars().all(is_known);
        if is_one { Ok(DisplayId(text)) } else { Err("display is not 8 to 64 letters, digits, '-' or '_'") }
    }
}

/// A layer to be shown, or the button that reveals it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Display<'a> {
    /// The layer's name.
    #[schema(example = "spring")]
    layer: &'a str,
    /// What its buttons say.
    labels: &'a Labels,
    /// The text of every part. Without it, the page shows a button, and asks again when the visitor clicks on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"body.html": "<p>Your code: SPR-7Q2K</p>"}))]
    parts: Option<BTreeMap<&'a str, &'a str>>,
    /// The codes in it, to be copied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["SPR-7Q2K"]))]
    codes: Vec<&'a str>,
}

/// Shows a visitor's web layer. It needs no key, but a page of an allowed origin, and a visitor's token or cookie.
///
/// A visitor who comes back sees the same code. What cannot be shown is `204`, with no event: the pool is empty, say, or a rule
/// says no.
#[utoipa::path(
    post, path = "/v1/layers/{layer}/display", tag = "layers", security(()),
    params(("layer" = String, Path, description = "The layer's name", example = "spring")),
    request_body(content = Wish, example = json!({"context": {"page": "basket"}})),
    responses(
        (status = OK, body = Display<'_>, description = "The layer"),
        (status = NO_CONTENT, description = "There is nothing to show"),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json", description = "The body is not JSON"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json", description = "The visitor is not known"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json", description = "Pages of this origin may not"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no such layer"),
        (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json", description = "More than 32 KiB"),
        (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json", description = "Not a wish"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json", description = "Too many displays"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "Not at the moment"),
    )
)]
pub(super) async fn display(
    State(service): State<Arc<Service>>,
    asked: Asked,
    address: Address,
    headers: HeaderMap,
    wish: Result<Body<Wish>, Problem>,
) -> Response {
    let answer = match wish {
        _ if is_prefetch(&headers) => Ok(nothing()),
        Ok(Body(wish)) => answer(&service, &asked, address, &headers, wish).await,
        Err(problem) => Err(problem),
    };
    asked.page.allow(answer.into_response())
}

async fn answer(
    service: &Service,
    asked: &Asked,
    address: Address,
    headers: &HeaderMap,
    wish: Wish,
) -> Result<Response, Problem> {
    let (layers, layer) = (&service.layers, &*asked.layer);
    let visitor = visitor(layers, layer, headers, wish.token.as_deref()).ok_or_else(unknown_visitor)?;
    if layer.settings.reveal == Reveal::Click && !wish.revealed {
        return Ok(Json(Display {
            layer: &layer.name,
            labels: &layer.settings.labels,
            parts: None,
            codes: Vec::new(),
        })
        .into_response());
    }
    let message = message(layer, &visitor, wish)?;
    if let Err(wait) = layer.budgets.take(address.holder(), visitor.id()) {
        return Ok(too_many(wait));
    }
    let mut answer = show(service, layer, message).await?;
    let cookie = visitor.cookie(asked.page.is_https(), layers.cookie_lifetime, &layers.keys);
    if let Some(cookie) = cookie.filter(|_| answer.status() == StatusCode::OK) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Who looks. A token that does not hold is not made up for by a cookie.
fn visitor(layers: &Layers, layer: &Layer, headers: &HeaderMap, token: Option<&str>) -> Option<Visitor> {
    match token {
        Some(token) => Visitor::of_token(token, &layer.name, &layers.keys),
        None if layer.settings.anonymous => Visitor::of_cookie(headers, &layers.keys),
        None => None,
    }
}

fn message(layer: &Layer, visitor: &Visitor, wish: Wish) -> Result<Message> {
    let mut id = format!("layer:{}/{}", layer.name, visitor.id().as_str());
    if layer.settings.reuse == Reuse::Display {
        let display = wish.display.map_or_else(|| format!("{:032x}", rand::random::<u128>()), |DisplayId(id)| id);
        id = format!("{id}/{display}");
    }
    let campaign = layer.settings.campaign.iter().map(|id| ("id", Field::text(id.as_str())));
    Message::new(
        Some(MessageId::new(id)?),
        (Channel::WebLayer, Purpose::Live),
        visitor.attributes(),
        Attributes::from_fields(campaign),
        Attributes::from_map(&wish.context),
    )
}

/// The layer with this message in it. Only what may be there a little later is an error to the page; what is wrong with a
/// template is nothing that a visitor shall read.
async fn show(service: &Service, layer: &Layer, message: Message) -> Result<Response, Problem> {
    let ready = match service.templates.find(layer.template(), Channel::WebLayer).await {
        Ok(ready) => ready,
        Err(error) => return not_shown(layer, &error),
    };
    let outcome = match ready.gatherer.personalize(message).await {
        Ok(outcome) => outcome,
        Err(error) => return not_shown(layer, &error),
    };
    service.metrics.outcome(&outcome);
    let answer = match &outcome.result {
        Ok(personalized) => Json(shown(layer, personalized)).into_response(),
        Err(_) => {
            tell(layer, &outcome);
            nothing()
        }
    };
    ready.gatherer.recycle(outcome);
    Ok(answer)
}

fn shown<'a>(layer: &'a Layer, personalized: &'a Personalized) -> Display<'a> {
    let parts = personalized.parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let codes = personalized.vouchers.iter().map(|used| used.binding.voucher.code.as_str()).collect();
    Display { layer: &layer.name, labels: &layer.settings.labels, parts: Some(parts), codes }
}

fn not_shown(layer: &Layer, error: &Error) -> Result<Response, Problem> {
    tracing::warn!(layer = layer.name, %error, "a layer cannot be shown");
    if !error.is_retryable() {
        return Ok(nothing());
    }
    let detail = "the layer cannot be shown at the moment";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.kind().code(), detail).retryable())
}

/// That a pool is empty is said elsewhere; what is wrong with a template, nobody would find otherwise.
fn tell(layer: &Layer, outcome: &Outcome) {
    let Some(shortfall) = outcome.shortfall() else { return };
    let reason = shortfall.reason.as_str();
    match shortfall.reason {
        Reason::TemplateError | Reason::OutputTooLarge | Reason::UnknownPool => {
            tracing::warn!(layer = layer.name, reason, "a layer is not shown: {}", shortfall.message);
        }
        _ => tracing::debug!(layer = layer.name, reason, "a layer is not shown"),
    }
}

fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// One answer for every reason.
fn unknown_visitor() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "the visitor's token is missing, or does not hold here")
        .with_help("see docs/LAYERS.md for how to make one")
}

fn too_many(wait: Duration) -> Response {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_displays", "there were too many displays");
    let mut answer = problem.retryable().into_response();
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    answer
}

/// Whether a browser asks although nobody looks yet.
fn is_prefetch(headers: &HeaderMap) -> bool {
    let values = ["sec-purpose", "purpose", "x-moz"].into_iter().flat_map(|name| headers.get_all(name));
    values
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("prefetch") || value.contains("prerender"))
}
