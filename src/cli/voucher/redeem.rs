//! `voucher validate`, `voucher redeem` and `voucher rollback`: using a voucher.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::cli::argument::{attributes, code, customer};
use crate::cli::output::card;
use crate::cli::report::in_argument;
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::redemption::{Answer, Purchase, Redeemer, Wish};
use crate::render::Attributes;
use crate::voucher::{EventId, RedemptionResult, RolledBack};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff voucher validate SPR-7Q2K --customer c42 --order '{\"total\": 80}'
  tearoff voucher validate - --json < code.txt

Nothing is changed. The exit code is 0 if the voucher can be used, else 3; the answer is printed in both cases.")]
pub(in crate::cli) struct Validate {
    /// The voucher's code; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    code: String,
    #[command(flatten)]
    buyer: Buyer,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff voucher redeem SPR-7Q2K --event-id order-1001 --customer c42 --order '{\"total\": 80}'
  tearoff voucher redeem SPR-7Q2K --event-id order-1001 --order @order.json --json

A voucher is used once, whatever races for it. The same event gets the same answer again. The exit code is 0 if the voucher
is used by this event, else 3; the answer is printed in both cases.")]
pub(in crate::cli) struct Redeem {
    /// The voucher's code; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    code: String,
    /// What uses it, the order's number, say: asked again, it gets the same answer [default: a new id, which is printed]
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    #[command(flatten)]
    buyer: Buyer,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  tearoff voucher rollback SPR-7Q2K --event-id order-1001

The voucher is its customer's again, unless its time is over by now. The event cannot use it any more; another one can.
The exit code is 0 if the use is taken back, now or before, else 3.")]
pub(in crate::cli) struct Rollback {
    /// The voucher's code; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    code: String,
    /// The event that used it
    #[arg(long, value_name = "ID")]
    event_id: String,
    #[command(flatten)]
    format: Format,
}

/// Who uses a voucher, and for what.
#[derive(Args)]
struct Buyer {
    /// Who uses it
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    customer: Option<String>,
    /// What the pool's rule finds in 'customer' beside the id, as JSON; @FILE reads a file, @- standard input
    #[arg(long, value_name = "JSON|@FILE")]
    attributes: Option<String>,
    /// What the pool's rule finds in 'order', as JSON
    #[arg(long, value_name = "JSON|@FILE")]
    order: Option<String>,
}

impl Buyer {
    fn purchase(&self) -> Result<Purchase> {
        let customer_id = self.customer.as_deref().map(customer).transpose();
        let given = |argument: &str, text: Option<&str>| -> Result<Attributes> {
            let remedy = "write an object such as '{\"total\": 80}', or @FILE";
            Ok(text.map(|text| attributes(argument, text, remedy)).transpose()?.unwrap_or_default())
        };
        Ok(Purchase {
            customer_id: customer_id.map_err(|error| in_argument("--customer", &error))?,
            customer: given("--attributes", self.attributes.as_deref())?,
            order: given("--order", self.order.as_deref())?,
        })
    }
}

async fn redeemer(context: &Context) -> Result<Redeemer> {
    let store = context.open().await?;
    Ok(Redeemer::new(Arc::clone(&store) as _, store as _))
}

/// The answer to a question is printed in any case; the exit code says whether it is the one that was hoped for.
fn exit(is_good: bool) -> Exit {
    if is_good { Exit::Done } else { Exit::Shortfall }
}

impl Validate {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let (code, purchase) = (code(&self.code)?, self.buyer.purchase()?);
        let validity = redeemer(context).await?.validate(&code, &purchase).await?;
        if self.format.json {
            context.output.json(&validity)?;
        } else {
            context.output.text(validity.reason.map_or("valid", RedemptionResult::as_str))?;
        }
        explain(validity.detail.as_deref(), context);
        Ok(exit(validity.is_valid()))
    }
}

impl Redeem {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let event_id = match &self.event_id {
            Some(id) => EventId::new(id).map_err(|error| in_argument("--event-id", &error))?,
            None => EventId::generate(),
        };
        let wish =
            Wish { code: code(&self.code)?, event_id: event_id.clone(), at: None, purchase: self.buyer.purchase()? };
        let answers = redeemer(context).await?.redeem(&[wish]).await?;
        let Some(Answer { result, detail }) = answers.into_iter().next() else { return Ok(Exit::Unexpected) };
        if self.format.json {
            context.output.json(&json!({ "result": result, "event_id": event_id }))?;
        } else {
            let rows = [("result", result.as_str()), ("event", event_id.as_str())];
            context.output.table(card(rows.map(|(name, value)| (name, value.to_owned()))))?;
        }
        explain(detail.as_deref(), context);
        Ok(exit(result == RedemptionResult::Redeemed))
    }
}

fn explain(detail: Option<&str>, context: &Context) {
    if let Some(detail) = detail {
        context.output.remark(detail);
    }
}

impl Rollback {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let event = EventId::new(&self.event_id).map_err(|error| in_argument("--event-id", &error))?;
        let code = code(&self.code)?;
        let result = context.open().await?.roll_back(&code, &event).await?;
        if self.format.json {
            context.output.json(&json!({ "result": result }))?;
        } else {
            context.output.text(match result {
                RolledBack::RolledBack => "taken back; the voucher is its customer's again",
                RolledBack::AlreadyRolledBack => "taken back before",
                RolledBack::NotRedeemed => "this event has not used the voucher",
                RolledBack::Unknown => "the project has no such voucher",
            })?;
        }
        Ok(exit(matches!(result, RolledBack::RolledBack | RolledBack::AlreadyRolledBack)))
    }
}
