//! `customer`: the vouchers of one customer.

use clap::{Args, Subcommand};
use comfy_table::Table;

use super::argument::customer;
use super::output::{counted, minute, table};
use super::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{CampaignId, Channel, Mode, VoucherRecord};

#[derive(Subcommand)]
pub(super) enum Customer {
    /// List all vouchers of a customer, the oldest first
    Show(Show),
    /// Erase who got a customer's vouchers; the codes stay spent
    Forget(Forget),
}

#[derive(Args)]
#[command(after_help = "Examples:\n  tearoff customer show c42\n  tearoff customer show c42 --json | jq '.[].code'")]
pub(super) struct Show {
    /// The customer's id; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    id: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff customer forget c42 --yes
  tearoff customer forget - --yes --json < id.txt

Nobody can tell any more who got the vouchers, not even from the journal; rendering the customer's messages again is refused.
Counts and limits stay. It cannot be undone. What was written to files before, exports and campaigns, is not touched.")]
pub(super) struct Forget {
    /// The customer's id; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    id: String,
    /// Yes, it is meant: it cannot be undone
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    format: Format,
}

impl Customer {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Customer::Show(show) => show.run(context).await,
            Customer::Forget(forget) => forget.run(context).await,
        }
    }
}

impl Show {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let customer = customer(&self.id)?;
        let vouchers: Vec<VoucherRecord> =
            context.open().await?.customers(&[customer]).await?.into_iter().flatten().collect();
        if self.format.json {
            context.output.json(&vouchers)?;
        } else if vouchers.is_empty() {
            context.output.remark("this customer has no vouchers");
        } else {
            context.output.table(listing(&vouchers))?;
        }
        Ok(Exit::Done)
    }
}

impl Forget {
    async fn run(&self, context: &Context) -> Result<Exit> {
        if !self.yes {
            let error = Error::new(ErrorKind::InvalidInput, "forgetting a customer cannot be undone");
            return Err(error.with_help("say --yes if it is meant"));
        }
        let forgotten = context.open().await?.forget(&customer(&self.id)?).await?;
        if self.format.json {
            context.output.json(&forgotten)?;
        } else {
            context.output.text(&format!("forgotten: who got {}", counted(forgotten.vouchers, "voucher")))?;
        }
        Ok(Exit::Done)
    }
}

fn listing(vouchers: &[VoucherRecord]) -> Table {
    let mut listing = table(&[
        "CODE",
        "POOL",
        "STATE",
        "ASSIGNED (UTC)",
        "EXPIRES (UTC)",
        "USED (UTC)",
        "CHANNEL",
        "MODE",
        "CAMPAIGN",
    ]);
    for voucher in vouchers {
        let VoucherRecord { code, pool, state, assigned_at, expires_at, redeemed_at, .. } = voucher;
        let VoucherRecord { channel, mode, campaign_id, .. } = voucher;
        listing.add_row([
            code.as_str(),
            pool.as_str(),
            state.as_str(),
            &assigned_at.map(minute).unwrap_or_default(),
            &expires_at.map(minute).unwrap_or_default(),
            &redeemed_at.map(minute).unwrap_or_default(),
            channel.map(Channel::as_str).unwrap_or_default(),
            mode.map(Mode::as_str).unwrap_or_default(),
            campaign_id.as_ref().map(CampaignId::as_str).unwrap_or_default(),
        ]);
    }
    listing
}
