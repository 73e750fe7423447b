//! `voucher release` and `voucher reclaim`: what goes back into the stock.

use clap::{ArgGroup, Args};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::json;

use crate::cli::output::{card, counted, grouped};
use crate::cli::rejects::{List, Rejects};
use crate::cli::{Context, Exit, Format};
use crate::error::{ErrorKind, Result};
use crate::intake::Input;
use crate::voucher::{MessageId, ReleasedMessage, Store};

/// How many messages are read at once, and how many are released at the same time.
const BATCH: usize = 1_000;
const AT_ONCE: usize = 16;

#[derive(Args)]
#[command(group(ArgGroup::new("which").args(["message", "messages"]).required(true)))]
#[command(after_help = "\
Examples:
  tearoff voucher release --message spring-2026/c42
  jq -r .message_id bounced.jsonl | tearoff voucher release --messages -

Vouchers of the message alone go back to their pools. Those that the customer has for a whole campaign or for good, and
those that are redeemed, stay with the customer. Rendering the message again is refused from then on. The exit code is 7
if a message is unknown; those of a list that are known are released all the same. Doing it again does no harm.")]
pub(in crate::cli) struct Release {
    /// The message's id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// A file with a message id a line; - is standard input
    #[arg(long, value_name = "FILE")]
    messages: Option<Input>,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "Example:\n  tearoff voucher reclaim --test")]
pub(in crate::cli) struct Reclaim {
    /// Take back every voucher that test messages were given and that is not redeemed
    #[arg(long, required = true)]
    test: bool,
    #[command(flatten)]
    format: Format,
}

/// What became of a list of messages.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Vouchers that went back.
    released: u64,
    /// Vouchers that stay with their customers.
    kept: u64,
    /// Messages that the store does not know.
    unknown: u64,
    rejected: Rejects,
}

impl Release {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match (&self.message, &self.messages) {
            (Some(id), _) => self.one(id, context).await,
            (None, Some(input)) => self.listed(input, context).await,
            (None, None) => Ok(Exit::Usage),
        }
    }

    async fn one(&self, id: &str, context: &Context) -> Result<Exit> {
        let result = context.open().await?.release_message(&MessageId::new(id)?).await?;
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

    async fn listed(&self, input: &Input, context: &Context) -> Result<Exit> {
        let mut list = List::open(input)?;
        let store = context.open().await?;
        let mut report = Report::default();
        loop {
            let lines = list.next(BATCH)?;
            if lines.is_empty() {
                break;
            }
            report.release(&*store, lines).await?;
        }
        if self.format.json {
            context.output.json(&report)?;
        } else {
            let rows = [("released", report.released), ("kept", report.kept), ("unknown messages", report.unknown)];
            context.output.table(card(rows.map(|(name, count)| (name, grouped(count)))))?;
            report.rejected.show(input, &context.output);
        }
        Ok(if report.rejected.count() == 0 { Exit::Done } else { Exit::BadInput })
    }
}

impl Report {
    async fn release(&mut self, store: &dyn Store, lines: Vec<(u64, String)>) -> Result<()> {
        let release = |(line, id): (u64, String)| async move {
            match released(store, &id).await {
                Ok(released) => Ok((line, Ok(released))),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {
                    Ok((line, Err(error)))
                }
                Err(error) => Err(error),
            }
        };
        let answers: Vec<_> = stream::iter(lines).map(release).buffered(AT_ONCE).try_collect().await?;
        for (line, answer) in answers {
            match answer {
                Ok(ReleasedMessage { released, kept }) => {
                    self.released += released;
                    self.kept += kept;
                }
                Err(error) => {
                    self.unknown += u64::from(error.kind() == ErrorKind::NotFound);
                    self.rejected.add(line, error.to_string());
                }
            }
        }
        Ok(())
    }
}

async fn released(store: &dyn Store, id: &str) -> Result<ReleasedMessage> {
    store.release_message(&MessageId::new(id)?).await
}

impl Reclaim {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let reclaimed = context.open().await?.reclaim_tests().await?;
        if self.format.json {
            context.output.json(&json!({ "reclaimed": reclaimed }))?;
        } else {
            context.output.text(&format!("went back: {}", counted(reclaimed, "voucher")))?;
        }
        Ok(Exit::Done)
    }
}
