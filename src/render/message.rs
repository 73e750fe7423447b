//! What is to be rendered for whom.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{CampaignId, Channel, CustomerId, MessageId, MessageIdentity, Mode};

/// What a message is rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To be sent to its customer.
    #[default]
    Live,
    /// To be sent to a tester: it consumes, is marked as a test, and can be reclaimed.
    Test,
    /// To be looked at: it never touches a pool.
    Preview,
}

impl Purpose {
    /// The mode of the claims that such a message makes; a preview makes none.
    pub fn mode(self) -> Option<Mode> {
        match self {
            Purpose::Live => Some(Mode::Live),
            Purpose::Test => Some(Mode::Test),
            Purpose::Preview => None,
        }
    }
}

impl std::str::FromStr for Purpose {
    type Err = Error;

    fn from_str(text: &str) -> Result<Purpose> {
        match text {
            "live" => Ok(Purpose::Live),
            "test" => Ok(Purpose::Test),
            "preview" => Ok(Purpose::Preview),
            _ => Err(Error::new(ErrorKind::InvalidInput, format!("unknown mode '{text}'"))
                .with_help("use live, test or preview")),
        }
    }
}

/// A message: everything its template may read, except vouchers.
#[derive(Debug, Clone)]
pub struct Message {
    /// The idempotency key.
    pub message_id: MessageId,
    /// How it travels.
    pub channel: Channel,
    /// What it is rendered for.
    pub purpose: Purpose,
    /// `customer.…`; `id` is whom the message is for.
    pub customer: Attributes,
    /// `campaign.…`; `id` is what the message belongs to.
    pub campaign: Attributes,
    /// Further variables.
    pub context: Attributes,
    /// What `now()` gives in all passes.
    pub instant: Timestamp,
    customer_id: Option<CustomerId>,
    campaign_id: Option<CampaignId>,
    identity: Option<Arc<MessageIdentity>>,
}

/// Variables that a context may not define.
const RESERVED: [&str; 3] = ["customer", "vouchers", "campaign"];

impl Message {
    /// Puts a message together. Without `message_id`, it is `<campaign.id>/<customer.id>`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where an id is missing or malformed, or the context defines a reserved variable.
    pub fn new(
        message_id: Option<MessageId>,
        (channel, purpose): (Channel, Purpose),
        customer: Attributes,
        campaign: Attributes,
        context: Attributes,
    ) -> Result<Message> {
        if let Some(name) = RESERVED.into_iter().find(|name| context.get(name).is_some()) {
            let error = Error::new(ErrorKind::InvalidInput, format!("context may not define '{name}'"));
            return Err(error.with_help("choose another name; that one is the renderer's own"));
        }
        let customer_id = id_of("customer", &customer)?.map(CustomerId::new).transpose()?;
        let campaign_id = id_of("campaign", &campaign)?.map(CampaignId::new).transpose()?;
        let message_id = match (message_id, &campaign_id, &customer_id) {
            (Some(id), ..) => id,
            (None, Some(campaign), Some(customer)) => MessageId::new(format!("{campaign}/{}", customer.as_str()))?,
            (None, ..) if purpose == Purpose::Preview => MessageId::new("preview")?,
            (None, ..) => {
                let error = Error::new(ErrorKind::InvalidInput, "the message has no id");
                return Err(error.with_help("give message_id, or both campaign.id and customer.id"));
            }
        };
        let identity = identity(&message_id, customer_id.as_ref(), campaign_id.as_ref(), channel, purpose);
        let instant = now();
        Ok(Message {
            message_id,
            channel,
            purpose,
            customer,
            campaign,
            context,
            instant,
            customer_id,
            campaign_id,
            identity,
        })
    }

    /// Whom it is for, where that is known.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        self.customer_id.as_ref()
    }

    /// Who claims: `None` for a preview, and for a message without a customer.
    pub fn identity(&self) -> Option<&Arc<MessageIdentity>> {
        self.identity.as_ref()
    }

    /// The campaign, where there is one.
    pub fn campaign_id(&self) -> Option<&CampaignId> {
        self.campaign_id.as_ref()
    }
}

/// The present, as precise as the times that stores keep and events tell.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn identity(
    message_id: &MessageId,
    customer_id: Option<&CustomerId>,
    campaign_id: Option<&CampaignId>,
    channel: Channel,
    purpose: Purpose,
) -> Option<Arc<MessageIdentity>> {
    let (mode, customer_id, campaign_id) = (purpose.mode()?, customer_id?.clone(), campaign_id.cloned());
    Some(Arc::new(MessageIdentity { message_id: message_id.clone(), customer_id, campaign_id, channel, mode }))
}

fn id_of(what: &str, attributes: &Attributes) -> Result<Option<String>> {
    match attributes.get("id") {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(_) => attributes
            .text("id")
            .map(Some)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("{what}.id is neither text nor an integer"))),
    }
}
