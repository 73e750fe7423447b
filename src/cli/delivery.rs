//! Where a test e-mail is delivered to: arguments of `render`.

use std::path::PathBuf;

use clap::Args;

use super::Context;
use super::report::in_argument;
use crate::campaign::Outcome;
use crate::delivery::{Delivery, MailServer, Way};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;

/// Where the mail server may be set, since its URL holds a password.
const VARIABLE: &str = "TEAROFF_SMTP";

#[derive(Args)]
#[command(next_help_heading = "Delivery of a test e-mail")]
pub(super) struct DeliveryArguments {
    /// Send it to this address, which must be in 'test_recipients' of [delivery] in ./tearoff.toml
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// The mail server: smtps://USER:PASSWORD@HOST:PORT or smtp://… [default: $TEAROFF_SMTP, else 'smtp' of [delivery]]
    #[arg(long, value_name = "URL", requires = "to", conflicts_with = "eml")]
    smtp: Option<String>,
    /// Write it into this file instead, or into this folder
    #[arg(long, value_name = "FILE|DIR")]
    eml: Option<PathBuf>,
}

impl DeliveryArguments {
    /// Checks where the message is to go; nothing has been claimed yet.
    pub(super) fn prepare(&self, message: &Message, context: &Context) -> Result<Option<Delivery>> {
        let to = self.to.as_deref();
        let way = match &self.eml {
            Some(path) => Way::File(path.clone()),
            None if to.is_some() => Way::Smtp(self.server(context)?),
            None => return Ok(None),
        };
        Delivery::new(&context.delivery, way, to, message).map(Some)
    }

    fn server(&self, context: &Context) -> Result<MailServer> {
        let given = self.smtp.clone().map(|url| ("--smtp", url));
        let given = given.or_else(|| std::env::var(VARIABLE).ok().map(|url| (VARIABLE, url)));
        if let Some((place, url)) = given {
            return url.parse().map_err(|error| in_argument(place, &error));
        }
        let unset = || {
            let help = "give '--smtp smtps://USER:PASSWORD@HOST', or '--eml FILE' to write it into a file";
            Error::new(ErrorKind::InvalidInput, "--to: it is not said which mail server delivers it").with_help(help)
        };
        context.delivery.smtp.clone().ok_or_else(unset)
    }
}

/// Delivers what was rendered, and says so.
pub(super) async fn deliver(delivery: &Delivery, outcome: &Outcome, context: &Context) -> Result<()> {
    match delivery.deliver(outcome).await? {
        Some(place) => context.output.remark(format!("delivered to {place}")),
        None => context.output.warn(format!("nothing is delivered: the message is {}", outcome.status().as_str())),
    }
    Ok(())
}
