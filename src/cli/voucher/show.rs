//! `voucher show`: one voucher, and what happened to it.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::argument::code;
use crate::cli::output::{card, moment, table};
use crate::cli::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Change, Channel, CustomerId, EventId, ImportId, JournalEntry, MessageId, Mode, VoucherRecord};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff voucher show SPR-7Q2K
  tearoff voucher show SPR-7Q2K --history
  tearoff voucher show SPR-7Q2K --json | jq -r .state")]
pub(in crate::cli) struct Show {
    /// The voucher's code; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    code: String,
    /// Tell also what happened to it, as far back as the journal goes
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    format: Format,
}

/// A voucher with its history, as programs read it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    voucher: &'a VoucherRecord,
    history: Vec<Happening<'a>>,
}

/// One thing that happened to a voucher.
#[derive(Serialize)]
struct Happening<'a> {
    at: Timestamp,
    change: Change,
    customer_id: Option<&'a CustomerId>,
    message_id: Option<&'a MessageId>,
    event_id: Option<&'a EventId>,
    import_id: Option<&'a ImportId>,
    flagged: bool,
}

impl Show {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let code = code(&self.code)?;
        let store = context.open().await?;
        let voucher = store.voucher(&code).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("project '{}' has no such voucher", context.project))
                .with_help("check the code; '--project' names another project")
        })?;
        let entries = if self.history { store.history(&code).await? } else { Vec::new() };
        match (self.format.json, self.history) {
            (true, false) => context.output.json(&voucher)?,
            (true, true) => context.output.json(&Told { voucher: &voucher, history: history(&voucher, &entries) })?,
            (false, _) => context.output.table(card(rows(&voucher)))?,
        }
        if self.history && !self.format.json {
            context.output.text("")?;
            show_history(&history(&voucher, &entries), context)?;
        }
        Ok(Exit::Done)
    }
}

/// What happened. The journal tells whose it was when it came back, and the voucher whose it is: so who got it each time is
/// told by what comes after.
fn history<'a>(voucher: &'a VoucherRecord, entries: &'a [JournalEntry]) -> Vec<Happening<'a>> {
    let mut history: Vec<Happening<'a>> = entries.iter().map(Happening::from).collect();
    let mut holder = (voucher.customer_id.as_ref(), voucher.message_id.as_ref());
    for happening in history.iter_mut().rev() {
        match happening.change {
            Change::Released => holder = (happening.customer_id, happening.message_id),
            Change::Assigned => {
                happening.customer_id = happening.customer_id.or(holder.0);
                happening.message_id = happening.message_id.or(holder.1);
            }
            _ => {}
        }
    }
    history
}

impl<'a> From<&'a JournalEntry> for Happening<'a> {
    fn from(entry: &'a JournalEntry) -> Happening<'a> {
        Happening {
            at: entry.at,
            change: entry.change,
            customer_id: entry.customer_id.as_ref(),
            message_id: entry.message_id.as_ref(),
            event_id: entry.event_id.as_ref(),
            import_id: entry.import_id.as_ref(),
            flagged: entry.flagged,
        }
    }
}

fn show_history(history: &[Happening<'_>], context: &Context) -> Result<()> {
    let mut timeline = table(&["WHEN", "WHAT", "HOW"]);
    for happening in history {
        timeline.add_row([moment(happening.at), words(happening.change).to_owned(), happening.circumstances()]);
    }
    context.output.table(timeline)
}

fn words(change: Change) -> &'static str {
    match change {
        Change::RolledBack => "use taken back",
        other => other.as_str(),
    }
}

impl Happening<'_> {
    /// Who, by which message, event or import, as far as it is known.
    fn circumstances(&self) -> String {
        let (customer, message) = (self.customer_id.map(CustomerId::as_str), self.message_id.map(MessageId::as_str));
        let (event, import) = (self.event_id.map(EventId::as_str), self.import_id.map(ImportId::as_str));
        let preposition = match self.change {
            Change::Assigned => "to",
            Change::Released => "from",
            Change::Redeemed => "by",
            _ => "of",
        };
        let known = [(preposition, customer), ("message", message), ("event", event), ("import", import)];
        let mut parts: Vec<String> =
            known.into_iter().filter_map(|(word, id)| Some(format!("{word} {}", id?))).collect();
        if self.flagged {
            parts.push("by somebody else than its customer".to_owned());
        }
        parts.join(", ")
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
