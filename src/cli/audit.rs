//! `audit`: the outcomes of a campaign held against the store.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;

use super::output::{HINT, counted, grouped, table};
use super::progress::Progress;
use super::{Context, Exit, Format};
use crate::campaign::{self, Checked, Discrepancy, Kind};
use crate::error::Result;
use crate::voucher::{MessageId, PoolName};

/// How many rows are laid out at once.
const ROWS: usize = 1_000;

const MORE: &str = "\
Examples:
  tearoff audit --out out
  tearoff audit --out out --json | jq -r '.discrepancies[].kind' | sort | uniq -c

Changes nothing. Ends with exit code 1 where there is a discrepancy. The rows name lines and messages, and no code.";

#[derive(Args)]
#[command(after_help = MORE)]
pub(super) struct Audit {
    /// The folder that 'campaign run' wrote
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    format: Format,
}

impl Audit {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let store = context.open().await?;
        let mut progress = Progress::start(&context.output, "auditing", None);
        let audit = campaign::audit(&self.out, &*store, &mut |messages| progress.at(messages)).await;
        progress.end();
        let audit = audit?;
        if self.format.json {
            context.output.json(&audit)?;
        } else {
            for rows in audit.discrepancies.chunks(ROWS) {
                context.output.table(listing(rows))?;
            }
            tell_remedies(context, &audit.discrepancies);
        }
        context.output.remark(summary(&audit.checked, audit.discrepancies.len() as u64));
        Ok(if audit.discrepancies.is_empty() { Exit::Done } else { Exit::Unexpected })
    }
}

fn listing(discrepancies: &[Discrepancy]) -> Table {
    let mut listing = table(&["KIND", "WHERE", "MESSAGE", "POOL", "WHAT IS WRONG"]);
    for discrepancy in discrepancies {
        let Discrepancy { kind, message_id, pool, problem, .. } = discrepancy;
        listing.add_row([
            kind.as_str(),
            &place(discrepancy),
            message_id.as_ref().map(MessageId::as_str).unwrap_or_default(),
            pool.as_ref().map(PoolName::as_str).unwrap_or_default(),
            problem,
        ]);
    }
    listing
}

/// What to do, once for each kind of discrepancy: in every row of a long list it would hide the rest.
fn tell_remedies(context: &Context, discrepancies: &[Discrepancy]) {
    if context.output.is_quiet() {
        return;
    }
    let remedies: BTreeSet<(Kind, &str)> = discrepancies.iter().map(|found| (found.kind, found.remedy)).collect();
    for (kind, remedy) in remedies {
        context.output.labeled(HINT, "help", format_args!("{}: {remedy}", kind.as_str()));
    }
}

/// File and line, as other programs write and find them.
fn place(discrepancy: &Discrepancy) -> String {
    match (discrepancy.file, discrepancy.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => "the store".to_owned(),
    }
}

fn summary(checked: &Checked, discrepancies: u64) -> String {
    let Checked { messages, events, suppressed, codes, vouchers } = *checked;
    let found = match discrepancies {
        0 => "no discrepancy".to_owned(),
        1 => "1 discrepancy".to_owned(),
        more => format!("{} discrepancies", grouped(more)),
    };
    let read = [(messages, "message"), (events, "event"), (codes, "code")].map(|(number, noun)| counted(number, noun));
    let suppressed = grouped(suppressed);
    let vouchers = counted(vouchers, "voucher");
    format!("{found} in {}, {suppressed} suppressed, and {vouchers} of the store", read.join(", "))
}
