//! `voucher`: the life of one voucher.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{card, counted, moment};
use super::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Channel, Code, MessageId, Mode, ReleasedMessage, VoucherRecord};

#[derive(Subcommand)]
pub(super) enum Voucher {
    /// Show what is known of a voucher
    Show(Show),
    /// Take back what a message holds that was rendered and will never be delivered; its id is retired
    Release(Release),
    /// Take back what test messages were given
    Reclaim(Reclaim),
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  tearoff voucher show SPR-7Q2K\n  tearoff voucher show SPR-7Q2K --json | jq -r .state"
)]
pub(super) struct Show {
    /// The voucher's code
    #[arg(allow_hyphen_values = true)]
    code: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  tearoff voucher release --message spring-2026/c42

Vouchers of the message alone go back to their pools. Those that the customer has for a whole campaign or for good, and
those that are redeemed, stay with the customer. Rendering the message again is refused from then on.")]
pub(super) struct Release {
    /// The message's id
    #[arg(long, value_name = "ID")]
    message: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "Example:\n  tearoff voucher reclaim --test")]
pub(super) struct Reclaim {
    /// Take back every voucher that test messages were given and that is not redeemed
    #[arg(long, required = true)]
    test: bool,
    #[command(flatten)]
    format: Format,
}

impl Voucher {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Voucher::Show(show) => show.run(context).await,
            Voucher::Release(release) => release.run(context).await,
            Voucher::Reclaim(reclaim) => reclaim.run(context).await,
        }
    }
}

impl Show {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let code = Code::new(&self.code)?;
        let found = context.open().await?.voucher(&code).await?;
        let voucher = found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("project '{}' has no such voucher", context.project))
                .with_help("check the code; '--project' names another project")
        })?;
        if self.format.json {
            context.output.json(&voucher)?;
        } else {
            context.output.table(card(rows(&voucher)))?;
        }
        Ok(Exit::Done)
    }
}

fn rows(voucher: &VoucherRecord) -> Vec<(&str, String)> {
    let VoucherRecord { customer_id, campaign_id, message_id, assigned_at, expires_at, redeemed_at, .. } = voucher;
    let known = [
        ("code", Some(voucher.code.as_str().to_owned())),
        ("pool", Some(voucher.pool.to_string())),
        ("state", Some(voucher.state.as_str().to_owned())),
        ("customer", customer_id.as_ref().map(|id| id.as_str().to_owned())),
        ("campaign", campaign_id.as_ref().map(ToString::to_string)),
        ("message", message_id.as_ref().map(|id| id.as_str().to_owned())),
        ("channel", voucher.channel.map(Channel::as_str).map(str::to_owned)),
        ("mode", voucher.mode.map(Mode::as_str).map(str::to_owned)),
        ("assigned at", assigned_at.map(moment)),
        ("expires at", expires_at.map(moment)),
        ("redeemed at", redeemed_at.map(moment)),
    ];
    let mut rows: Vec<(&str, String)> = known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    rows.extend(
        voucher
            .metadata
            .iter()
            .map(|(column, value)| (column.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
    );
    rows
}

impl Release {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let message = MessageId::new(&self.message)?;
        let result = context.open().await?.release_message(&message).await?;
        let ReleasedMessage { released, kept } = result;
        if self.format.json {
            context.output.json(&result)?;
        } else {
            let back = counted(released, "voucher");
            context
                .output
                .text(&format!("went back: {back}\nstays with the customer: {}", counted(kept, "voucher")))?;
        }
        Ok(Exit::Done)
    }
}

impl Reclaim {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let reclaimed = context.open().await?.reclaim_tests().await?;
        if self.format.json {
            context.output.json(&json!({ "reclaimed": reclaimed }))?;
        } else {
            context.output.text(&format!("went back: {}", counted(reclaimed, "voucher")))?;
        }
        Ok(Exit::Done)
    }
}
