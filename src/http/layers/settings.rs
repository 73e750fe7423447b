//! What an operator can set for web layers: the sections `[layers.NAME]` and `[visitors]` of `tearoff.toml`.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, ErrorKind, Result};
use crate::http::Origins;
use crate::voucher::{CampaignId, parse_duration};

/// The shortest secret, in bytes: as much as its signatures have.
const SHORTEST_SECRET: usize = 32;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A web layer: `[layers.NAME]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerSettings {
    /// Its template. Unless it is set, the one of the layer's own name.
    pub template: Option<String>,
    /// What its messages belong to, for templates and limits.
    pub campaign: Option<CampaignId>,
    /// The origins of the pages that may show it, such as `https://shop.example`.
    pub origins: Origins,
    /// What is one message.
    pub reuse: Reuse,
    /// When the visitor's code is taken.
    pub reveal: Reveal,
    /// Whether visitors without a token get it, too.
    pub anonymous: bool,
    /// How many displays a minute it has for all visitors together.
    pub displays_per_minute: NonZeroU32,
    /// How many displays a minute one visitor has.
    pub per_visitor_per_minute: NonZeroU32,
    /// How many displays a minute one address has.
    pub per_address_per_minute: NonZeroU32,
    /// What its buttons say.
    pub labels: Labels,
}

impl Default for LayerSettings {
    fn default() -> LayerSettings {
        LayerSettings {
            template: None,
            campaign: None,
            origins: Origins::default(),
            reuse: Reuse::default(),
            reveal: Reveal::default(),
            anonymous: false,
            displays_per_minute: NonZeroU32::MIN.saturating_add(5_999),
            per_visitor_per_minute: NonZeroU32::MIN.saturating_add(29),
            per_address_per_minute: NonZeroU32::MIN.saturating_add(119),
            labels: Labels::default(),
        }
    }
}

/// What of a layer is one message, and so shows the same codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// All displays to one visitor.
    #[default]
    Visitor,
    /// Each display.
    Display,
}

/// When a layer takes its visitor's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reveal {
    /// At once.
    #[default]
    Display,
    /// When the visitor clicks on a button.
    Click,
}

/// What the buttons of a layer say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Labels {
    /// The button that reveals the layer, with `reveal = "click"`.
    #[schema(example = "Show my offer")]
    pub reveal: String,
    /// The button that copies the code.
    #[schema(example = "Copy code")]
    pub copy: String,
    /// The same button once it has done so.
    #[schema(example = "Copied")]
    pub copied: String,
    /// The button that closes the layer.
    #[schema(example = "Close")]
    pub close: String,
}

impl Default for Labels {
    fn default() -> Labels {
        let [reveal, copy, copied, close] = ["Show my offer", "Copy code", "Copied", "Close"].map(str::to_owned);
        Labels { reveal, copy, copied, close }
    }
}

/// How visitors are known: `[visitors]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VisitorSettings {
    /// What tokens and cookies are signed with: the first one signs, all of them are accepted.
    pub keys: Vec<VisitorKey>,
    /// How long an anonymous visitor is known after the last display.
    #[serde(deserialize_with = "span")]
    pub cookie_lifetime: Duration,
}

impl Default for VisitorSettings {
    /// No keys; half a year.
    fn default() -> VisitorSettings {
        VisitorSettings { keys: Vec::new(), cookie_lifetime: DAY * 180 }
    }
}

/// A secret that the shop's backend shares with the service. `Debug` does not show it.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(try_from = "KeyFields")]
pub struct VisitorKey {
    id: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFields {
    id: String,
    secret: String,
}

impl VisitorKey {
    /// A key; `id` is what errors call it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the secret is shorter than 32 bytes.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Result<VisitorKey> {
        let (id, secret) = (id.into(), secret.into());
        if secret.len() < SHORTEST_SECRET {
            let message = format!("the secret of the visitor key '{id}' is shorter than {SHORTEST_SECRET} bytes");
            let help = "'openssl rand -base64 32' makes one";
            return Err(Error::new(ErrorKind::InvalidInput, message).with_help(help));
        }
        Ok(VisitorKey { id, secret })
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

impl TryFrom<KeyFields> for VisitorKey {
    type Error = Error;

    fn try_from(KeyFields { id, secret }: KeyFields) -> Result<VisitorKey> {
        VisitorKey::new(id, secret)
    }
}

impl fmt::Debug for VisitorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VisitorKey({})", self.id)
    }
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
