//! A message as callers write it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::campaign::Outcome;
use crate::error::{Error, ErrorKind, Result};
use crate::http::access::{Caller, Scope};
use crate::http::problem::Problem;
use crate::http::templates::{Ready, Templates};
use crate::render::{Attributes, Message, Purpose};
use crate::voucher::{Channel, MessageId};

/// A message: one template for one customer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(title = "Message", example = json!({
    "message_id": "hello/c42",
    "parts": {"body.txt": "Hi {{ customer.first_name }}"},
    "channel": "sms",
    "customer": {"id": "c42", "first_name": "Ada"},
}))]
pub(super) struct MessageForm {
    /// The idempotency key: asked for again under the same one, a message shows the same codes. Without it, the message is
    /// called `<campaign.id>/<customer.id>`.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 512)]
    pub(super) message_id: Option<MessageId>,
    /// The name of a template of the service's folder.
    template: Option<String>,
    /// In place of `template`: the source of every part, by its name.
    parts: Option<BTreeMap<String, String>>,
    /// How the message travels.
    #[schema(schema_with = channel)]
    channel: Channel,
    /// What it is rendered for: `test` takes codes that can be reclaimed, `preview` takes none.
    #[serde(default)]
    #[schema(schema_with = mode)]
    mode: Purpose,
    /// `campaign.…` in the template; `id` is the campaign that the message belongs to.
    #[schema(value_type = Option<Object>)]
    campaign: Option<Attributes>,
    /// `customer.…` in the template; `id` is whom the message is for.
    #[schema(value_type = Option<Object>)]
    customer: Option<Attributes>,
    /// Further variables of the template.
    #[schema(value_type = Option<Object>)]
    context: Option<Attributes>,
}

fn channel() -> Object {
    choice("How the message travels.", Channel::ALL.map(Channel::as_str)).build()
}

fn mode() -> Object {
    let description = "What it is rendered for: `test` takes codes that can be reclaimed, `preview` takes none.";
    choice(description, ["live", "test", "preview"]).default(Some(json!("live"))).build()
}

fn choice<const N: usize>(description: &str, names: [&'static str; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(names))
}

/// A message, and where its template comes from.
pub(super) struct Order {
    pub(super) message: Message,
    source: Source,
}

enum Source {
    Named(String),
    Inline(BTreeMap<String, String>),
}

/// What there is for an order.
pub(super) enum Found {
    Ready(Arc<Ready>),
    /// The template does not compile, which is an outcome.
    Broken(Outcome),
}

impl MessageForm {
    /// Reads the form for a caller; parts may have so many bytes together.
    pub(super) fn read(self, caller: &Caller, parts_bytes: usize) -> Result<Order, Problem> {
        must_render(caller, self.channel, self.mode)?;
        let source = source(self.template, self.parts, parts_bytes)?;
        let [customer, campaign, context] = [self.customer, self.campaign, self.context].map(Option::unwrap_or_default);
        let message = Message::new(self.message_id, (self.channel, self.mode), customer, campaign, context)?;
        Ok(Order { message, source })
    }
}

/// Who may render web layers may do only that; test messages have a scope of their own, since they count for no limit.
fn must_render(caller: &Caller, channel: Channel, purpose: Purpose) -> Result<(), Problem> {
    match (purpose, channel) {
        (Purpose::Test, _) => caller.must_have(Scope::Test),
        (_, Channel::WebLayer) if caller.has(Scope::RenderWeb) => Ok(()),
        _ => caller.must_have(Scope::Render),
    }
}

fn source(
    template: Option<String>,
    parts: Option<BTreeMap<String, String>>,
    parts_bytes: usize,
) -> Result<Source, Problem> {
    let invalid = |what: &str| Error::new(ErrorKind::InvalidInput, what);
    match (template, parts) {
        (Some(_), Some(_)) => {
            Err(invalid("the message has a template and parts").with_help("leave one of them out").into())
        }
        (None, None) => {
            let help = "give the name of one as 'template', or its sources as 'parts'";
            Err(invalid("the message has no template").with_help(help).into())
        }
        (Some(name), None) => Ok(Source::Named(name)),
        (None, Some(parts)) if parts.values().map(String::len).sum::<usize>() > parts_bytes => {
            let detail = format!("the parts are larger than the limit of {parts_bytes} bytes");
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", detail);
            Err(problem.with_help("put the template into the service's folder, or raise http.parts_bytes"))
        }
        (None, Some(parts)) => Ok(Source::Inline(parts)),
    }
}

impl Order {
    /// The template that the message is to be rendered with.
    pub(super) async fn find(&self, templates: &Templates) -> Result<Found> {
        let channel = self.message.channel;
        let found = match &self.source {
            Source::Named(name) => templates.find(name, channel).await,
            Source::Inline(parts) => templates.compile(parts, channel).await,
        };
        match found {
            Ok(ready) => Ok(Found::Ready(ready)),
            Err(error) if error.kind() == ErrorKind::Template => {
                Ok(Found::Broken(Outcome::of_broken_template(&self.message, &error)))
            }
            Err(error) => Err(error),
        }
    }
}
