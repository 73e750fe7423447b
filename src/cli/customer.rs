//! `customer`: the vouchers of one customer.

use clap::{Args, Subcommand};
use comfy_table::Table;

use super::output::{minute, table};
use super::{Context, Exit, Format};
use crate::error::Result;
use crate::voucher::{CampaignId, CustomerId, Mode, VoucherRecord};

#[derive(Subcommand)]
pub(super) enum Customer {
    /// List all vouchers of a customer, the oldest first
    Show(Show),
}

#[derive(Args)]
#[command(after_help = "Examples:\n  tearoff customer show c42\n  tearoff customer show c42 --json | jq '.[].code'")]
pub(super) struct Show {
    /// The customer's id
    #[arg(allow_hyphen_values = true)]
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Customer {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Customer::Show(show) => show.run(context).await,
        }
    }
}

impl Show {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let customer = CustomerId::new(&self.id)?;
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

fn listing(vouchers: &[VoucherRecord]) -> Table {
    let mut listing = table(&["CODE", "POOL", "STATE", "ASSIGNED (UTC)", "EXPIRES (UTC)", "MODE", "CAMPAIGN"]);
    for VoucherRecord { code, pool, state, assigned_at, expires_at, campaign_id, mode, .. } in vouchers {
        listing.add_row([
            code.as_str(),
            pool.as_str(),
            state.as_str(),
            &assigned_at.map(minute).unwrap_or_default(),
            &expires_at.map(minute).unwrap_or_default(),
            mode.map(Mode::as_str).unwrap_or_default(),
            campaign_id.as_ref().map(CampaignId::as_str).unwrap_or_default(),
        ]);
    }
    listing
}
