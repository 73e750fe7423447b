//! `voucher`: the life of one voucher.

mod redeem;
mod release;
mod show;
mod void;

use clap::Subcommand;

use super::{Context, Exit};
use crate::error::Result;

#[derive(Subcommand)]
pub(super) enum Voucher {
    /// Show what is known of a voucher
    Show(show::Show),
    /// Say whether a voucher can be used, without using it
    Validate(redeem::Validate),
    /// Use a voucher, once
    Redeem(redeem::Redeem),
    /// Take the use of a voucher back; it is its customer's again
    Rollback(redeem::Rollback),
    /// End vouchers by hand; used ones stay as they are
    Void(void::Void),
    /// Take back what messages hold that were rendered and will never be delivered; their ids are retired
    Release(release::Release),
    /// Take back what test messages were given
    Reclaim(release::Reclaim),
}

impl Voucher {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Voucher::Show(show) => show.run(context).await,
            Voucher::Validate(validate) => validate.run(context).await,
            Voucher::Redeem(redeem) => redeem.run(context).await,
            Voucher::Rollback(rollback) => rollback.run(context).await,
            Voucher::Void(void) => void.run(context).await,
            Voucher::Release(release) => release.run(context).await,
            Voucher::Reclaim(reclaim) => reclaim.run(context).await,
        }
    }
}
