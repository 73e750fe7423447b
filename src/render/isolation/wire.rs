//! What goes over the pipe to a child and back: a line of JSON each.
//!
//! A child is not believed: it says by pool and width which vouchers a message shows and what it waits for, and the vouchers
//! and claims are the parent's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::value::{Value, ValueKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::error::Result;
use crate::render::vouchers::{instant, moment};
use crate::render::{Attributes, Failure, Known, Limits, Message, PoolMention, Purpose};
use crate::voucher::{Catalogue, Channel, MessageId, PoolName, Width};

/// What a parent asks. Parent and child are one program, so there is one version of this.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// To keep a template under this number.
    Compile(u64, TemplateSource),
    /// To render a message of the template of this number.
    Render(u64, Box<Pass>),
}

/// A template as its author wrote it.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::render) struct TemplateSource {
    pub(in crate::render) name: String,
    pub(in crate::render) channel: Channel,
    pub(in crate::render) parts: BTreeMap<String, String>,
    /// Where its partials are.
    pub(in crate::render) folder: Option<PathBuf>,
    pub(in crate::render) limits: Limits,
}

/// One pass over a message.
#[derive(Serialize, Deserialize)]
pub(super) struct Pass {
    message_id: MessageId,
    channel: Channel,
    purpose: Purpose,
    customer: Json,
    campaign: Json,
    context: Json,
    instant: Timestamp,
    pub(super) vouchers: Vouchers,
}

/// Where the vouchers of a pass come from.
#[derive(Serialize, Deserialize)]
pub(super) enum Vouchers {
    Known(Arc<Known>),
    /// The same, and which attributes are missing is asked, too.
    Examined(Arc<Known>),
    Previewed(Arc<Catalogue>),
}

impl Pass {
    pub(super) fn new(message: &Message, vouchers: Vouchers) -> Pass {
        Pass {
            message_id: message.message_id.clone(),
            channel: message.channel,
            purpose: message.purpose,
            customer: to_json(&message.customer.0),
            campaign: to_json(&message.campaign.0),
            context: to_json(&message.context.0),
            instant: message.instant,
            vouchers,
        }
    }

    pub(super) fn message(&self) -> Result<Message> {
        let attributes = |json| Attributes(from_json(json));
        let (customer, campaign) = (attributes(&self.customer), attributes(&self.campaign));
        let kind = (self.channel, self.purpose);
        let id = Some(self.message_id.clone());
        let mut message = Message::new(id, kind, customer, campaign, attributes(&self.context))?;
        message.instant = self.instant;
        Ok(message)
    }
}

/// What a child answers.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Compiled(Facts),
    /// It does not compile, or the message is none: what is wrong, and what to do.
    Refused {
        is_template: bool,
        message: String,
        help: Option<String>,
    },
    Rendered(Outcome, BTreeSet<String>),
}

/// What a parent knows of a template that it has never compiled.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) fingerprint: String,
    pub(super) mentions: Vec<PoolMention>,
    pub(super) printed: BTreeSet<String>,
}

/// What a pass came to.
#[derive(Serialize, Deserialize)]
pub(super) enum Outcome {
    Complete { parts: Vec<(String, String)>, vouchers: Vec<(PoolName, Width)> },
    Failed(Failure),
    WaitsForClaim(PoolName, Width),
    WaitsForCount(PoolName),
    WaitsForCustomerVouchers,
}

/// Marks a moment, which JSON has no form for. Nobody's data has a control character as its only name.
const MOMENT: &str = "\u{1}moment";

fn to_json(value: &Value) -> Json {
    if let Some(moment) = moment(value) {
        return Json::Object(Map::from_iter([(MOMENT.to_owned(), Json::String(moment.to_string()))]));
    }
    match value.kind() {
        ValueKind::Map => {
            let names = value.try_iter().into_iter().flatten();
            let entry = |name: Value| Some((name.to_string(), to_json(&value.get_item(&name).ok()?)));
            Json::Object(names.filter_map(entry).collect())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            Json::Array(value.try_iter().into_iter().flatten().map(|item| to_json(&item)).collect())
        }
        _ => serde_json::to_value(value).unwrap_or(Json::Null),
    }
}

fn from_json(json: &Json) -> Value {
    match json {
        Json::Object(entries) => match entries.get(MOMENT).and_then(Json::as_str).map(str::parse::<Timestamp>) {
            Some(Ok(moment)) if entries.len() == 1 => instant(moment),
            _ => Value::from_pairs(entries.iter().map(|(name, item)| (Value::from(name.as_str()), from_json(item)))),
        },
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        other => Value::from(minijinja::value::Serde(other)),
    }
}
