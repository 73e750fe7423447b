//! Rendered test e-mails on their way to a tester: by SMTP, or into a file.
//!
//! Only tests leave here. Whatever can be known to be wrong is refused by [`Delivery::new`], before anything is claimed.

mod address;
mod file;
mod header;
mod mail;
mod preheader;
mod server;
mod settings;
mod smtp;

pub use address::{Address, Sender, TestRecipient};
pub use server::MailServer;
pub use settings::{DeliverySettings, UnsubscribeUrl};

use std::path::PathBuf;

use crate::campaign::Outcome;
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Message, Purpose};
use crate::voucher::Channel;

/// How an e-mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To a mail server.
    Smtp(MailServer),
    /// Into a file; into a folder, under a name that is the message's own.
    File(PathBuf),
}

/// The way of one message to a tester.
#[derive(Debug, Clone)]
pub struct Delivery {
    settings: DeliverySettings,
    way: Way,
    to: Option<Address>,
}

impl Delivery {
    /// A way for `message`. What is written into a file needs no address: without one, it is addressed to its sender.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the message is no e-mail or no test, the address is not in the list of test
    /// recipients, nobody is set as its sender, or there is no such folder. A preview may go into a file.
    pub fn new(settings: &DeliverySettings, way: Way, to: Option<&str>, message: &Message) -> Result<Delivery> {
        check_kind(message, &way)?;
        let to = to.map(|to| settings.recipient(to)).transpose()?;
        match &way {
            Way::Smtp(server) => {
                settings.sender()?;
                smtp::transport(server, settings.ca_file.as_deref())?;
                to.as_ref().ok_or_else(|| invalid("a mail server needs an address to deliver to"))?;
            }
            Way::File(path) => file::check(path)?,
        }
        Ok(Delivery { settings: settings.clone(), way, to })
    }

    /// Delivers a rendered message, and says where it went. The outcome of another one is left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the mail server cannot be reached or refuses it, or the file cannot be written. The codes in
    /// it stay assigned: under the same message id, the next try shows the same.
    pub async fn deliver(&self, outcome: &Outcome) -> Result<Option<String>> {
        let (Ok(rendered), Some(id)) = (&outcome.result, &outcome.message_id) else { return Ok(None) };
        let mail = mail::mail(&self.settings, self.to.as_ref(), (id, outcome.purpose), rendered)?;
        match &self.way {
            Way::Smtp(server) => {
                smtp::send(server, self.settings.ca_file.as_deref(), mail).await?;
                Ok(Some(server.to_string()))
            }
            Way::File(path) => file::write(path, &mail::name(id, outcome.purpose), &mail.formatted()).map(Some),
        }
    }
}

fn check_kind(message: &Message, way: &Way) -> Result<()> {
    if message.channel != Channel::Email {
        return Err(invalid(format!("only an e-mail can be delivered, not one of the channel {}", message.channel))
            .with_help("leave out where to deliver it, or render it with '--channel email'"));
    }
    match (message.purpose, way) {
        (Purpose::Test, _) | (Purpose::Preview, Way::File(_)) => Ok(()),
        (Purpose::Live, _) => Err(invalid("a live message is not delivered, only rendered")
            .with_help("hand the outcome to your own sender, or render it with '--mode test'")),
        (Purpose::Preview, Way::Smtp(_)) => Err(invalid("a preview goes into a file, not to a mail server")
            .with_help("give '--eml FILE', or render it with '--mode test'")),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}
