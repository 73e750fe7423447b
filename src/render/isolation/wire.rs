//! What goes over the pipe to a child and back, and after an answer the texts that it announces, as they are.
//!
//! A child is not believed: it says by pool and width which vouchers a message shows and what it waits for, and the vouchers
//! and claims are the parent's own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::carried::Carried;
use crate::error::Result;
use crate::render::{Attributes, Failure, Known, Limits, Message, PoolMention, Purpose};
use crate::voucher::{Catalogue, Channel, MessageId, PoolName, Width};

/// What a parent asks. Parent and child are one program, so there is one version of this.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// To keep a template under this number.
    Compile(u64, TemplateSource),
    /// To render a message of the template of this number.
    Render(u64, Arc<Pass>),
}

impl Ask {
    /// The number of the template that it is about.
    pub(super) fn template(&self) -> u64 {
        match self {
            Ask::Compile(number, _) | Ask::Render(number, _) => *number,
        }
    }
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
    customer: Carried,
    campaign: Carried,
    context: Carried,
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
            customer: Carried(message.customer.0.clone()),
            campaign: Carried(message.campaign.0.clone()),
            context: Carried(message.context.0.clone()),
            instant: message.instant,
            vouchers,
        }
    }

    /// The message.
    pub(super) fn message(&self) -> Result<Message> {
        let [customer, campaign, context] =
            [&self.customer, &self.campaign, &self.context].map(|Carried(value)| Attributes(value.clone()));
        let (id, kind) = (Some(self.message_id.clone()), (self.channel, self.purpose));
        let mut message = Message::new(id, kind, customer, campaign, context)?;
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

impl Answer {
    /// The texts that follow it, in their order.
    pub(super) fn texts(&mut self) -> &mut [Text] {
        match self {
            Answer::Rendered(Outcome::Complete { parts, .. }, _) => parts,
            _ => &mut [],
        }
    }
}

/// A part of a message: the answer tells its name and size, the text itself follows.
#[derive(Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) name: Cow<'static, str>,
    pub(super) bytes: u64,
    #[serde(skip)]
    pub(super) text: String,
}

impl From<(&'static str, String)> for Text {
    fn from((name, text): (&'static str, String)) -> Text {
        Text { name: Cow::Borrowed(name), bytes: text.len() as u64, text }
    }
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
    Complete { parts: Vec<Text>, vouchers: Vec<(PoolName, Width)> },
    Failed(Failure),
    WaitsForClaim(PoolName, Width),
    WaitsForCount(PoolName),
    WaitsForCustomerVouchers,
}
