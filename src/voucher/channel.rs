//! The ways a message reaches its customer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// A text message with a picture.
    Mms,
    /// A notification of the browser.
    WebPush,
    /// A layer over a web page.
    WebLayer,
    /// A call of somebody else's server.
    Webhook,
}

impl Channel {
    /// All channels.
    pub const ALL: [Channel; 6] =
        [Channel::Email, Channel::Sms, Channel::Mms, Channel::WebPush, Channel::WebLayer, Channel::Webhook];

    /// The name that files, JSON and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Mms => "mms",
            Channel::WebPush => "web_push",
            Channel::WebLayer => "web_layer",
            Channel::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Channel, Error> {
        Channel::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or_else(|| {
            let known = Channel::ALL.map(Channel::as_str).join(", ");
            Error::new(ErrorKind::InvalidInput, format!("unknown channel '{text}'"))
                .with_help(format!("use one of {known}"))
        })
    }
}
