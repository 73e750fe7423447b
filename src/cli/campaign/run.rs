//! `campaign run`: a message for every recipient.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::check::{fails_for_everybody, show_forecast, too_small, warn};
use super::prepared::{Prepared, store_to_look_at};
use crate::campaign::{Campaign, Ending, Forecast, RunOptions, Summary};
use crate::cli::output::{Output, card, counted, grouped};
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::intake::Input;
use crate::voucher::Store;

/// How many lines of duplicates a warning names.
const NAMED_LINES: usize = 10;

const RUN_EXAMPLES: &str = "\
Examples:
  tearoff campaign run campaign.toml --out out                 check, then render; run again, it goes on
  tearoff campaign run campaign.toml --out out --limit 100     the first 100 recipients, the rest later
  tearoff campaign run campaign.toml --out out --retry-failed  after an import: those who went without

Writes messages.jsonl, events.jsonl, suppressed.jsonl, report.json and checkpoint.json into the folder.";

#[derive(Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(in crate::cli) struct Run {
    /// The campaign file
    file: PathBuf,
    /// The folder to write; an earlier run into it goes on where it stopped
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on when the forecast says that a pool is too small
    #[arg(long)]
    force: bool,
    /// Stop after this many recipients
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Render those whose last event is enqueue_failed
    #[arg(long)]
    retry_failed: bool,
    #[command(flatten)]
    format: Format,
}

impl Run {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let prepared = Prepared::read(&self.file, context)?;
        let (store, expected) = tokio::select! {
            ready = self.make_ready(context, &prepared) => ready?,
            Ok(()) = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        };
        let watch = context.watch(Arc::clone(&store) as _)?;
        let campaign = Campaign { watch: Some(watch.stock.clone()), ..prepared.campaign(store) };
        let summary = self.render(context, &campaign, expected.as_ref()).await;
        watch.end().await;
        self.tell(context, &summary?)
    }

    /// Checks that there is enough, then brings the pools along; gives the store, and what is expected of the run.
    async fn make_ready(&self, context: &Context, prepared: &Prepared) -> Result<(Arc<dyn Store>, Option<Forecast>)> {
        let store = store_to_look_at(context).await?;
        prepared.check_pools(&*store).await?;
        let mut expected = None;
        if prepared.file.audience == Input::Standard {
            context.output.remark("standard input cannot be read twice: the audience is not checked beforehand");
        } else {
            let run = (self.out.as_path(), &self.options(Arc::default()));
            let forecast = prepared.forecast(context, Arc::clone(&store), Some(run)).await?;
            warn(context, &forecast);
            fails_for_everybody(&forecast)?;
            if !forecast.enough && !self.force {
                show_forecast(context, &forecast)?;
                return Err(too_small(&forecast));
            }
            expected = Some(forecast);
        }
        prepared.campaign(store).check_folder(&self.out)?;
        let store = context.open_or_make().await?;
        prepared.fill_pools(context, &*store).await?;
        Ok((store, expected))
    }

    async fn render(&self, context: &Context, campaign: &Campaign, expected: Option<&Forecast>) -> Result<Summary> {
        let interrupt = Arc::new(AtomicBool::new(false));
        let listener = tokio::spawn(end_when_interrupted(Arc::clone(&interrupt), context.output.clone()));
        let options = self.options(interrupt);
        let recipients = expected.map(|forecast| forecast.recipients);
        let vouchers = expected.map(|forecast| forecast.pools.values().map(|pool| pool.available).sum());
        let mut progress = Progress::start(&context.output, "rendering", recipients).with_vouchers(vouchers);
        let summary = campaign.run(&self.out, &options, &mut |tally| progress.tell(tally)).await;
        progress.end();
        listener.abort();
        summary
    }

    fn options(&self, interrupt: Arc<AtomicBool>) -> RunOptions {
        RunOptions { retry_failed: self.retry_failed, limit: self.limit, interrupt }
    }

    fn tell(&self, context: &Context, summary: &Summary) -> Result<Exit> {
        let tally = &summary.report.tally;
        if self.format.json {
            context.output.json(&summary.report)?;
        } else {
            let rows = [
                ("recipients", grouped(tally.recipients)),
                ("rendered", grouped(tally.rendered)),
                ("enqueue_failed", grouped(tally.enqueue_failed)),
                ("suppressed", grouped(tally.suppressed)),
                ("duplicates", grouped(tally.duplicates)),
                ("reasons", each(&tally.reasons, |reason, count| format!("{count} {reason}"))),
                ("vouchers", each(&tally.vouchers, |pool, count| format!("{count} of {pool}"))),
                (
                    "seconds",
                    format!("{:.1} ({} a second)", summary.report.seconds, grouped(summary.report.per_second as u64)),
                ),
                ("written to", self.out.display().to_string()),
            ];
            context.output.table(card(rows))?;
        }
        warn_of_duplicates(context, &summary.duplicate_lines);
        Ok(match &summary.ending {
            Ending::Interrupted => {
                context.output.remark("interrupted; run the same command again to go on");
                Exit::Interrupted
            }
            Ending::Paused(pool) => {
                context.output.remark(format!("paused: pool '{pool}' has no voucher for the next recipient; import codes and run the same command again"));
                Exit::Shortfall
            }
            Ending::Complete | Ending::Limited if tally.enqueue_failed > 0 => {
                context.output.remark(
                    "some messages could not be personalised; after an import, add --retry-failed to render those",
                );
                Exit::Shortfall
            }
            Ending::Complete | Ending::Limited => Exit::Done,
        })
    }
}

/// Ends the run behind its batch at the first Ctrl-C, and at once at the second, which loses nothing but time.
async fn end_when_interrupted(interrupt: Arc<AtomicBool>, output: Output) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if interrupt.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
        output.remark("ending the batch; press Ctrl-C again to stop at once");
    }
}

/// All counts in one line.
fn each<K>(counts: &BTreeMap<K, u64>, told: impl Fn(&K, String) -> String) -> String {
    let all: Vec<String> = counts.iter().map(|(key, count)| told(key, grouped(*count))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn warn_of_duplicates(context: &Context, lines: &[u64]) {
    if lines.is_empty() {
        return;
    }
    let named: Vec<String> = lines.iter().take(NAMED_LINES).map(u64::to_string).collect();
    let more = if lines.len() > NAMED_LINES { ", …" } else { "" };
    let (repeat, get) = if lines.len() == 1 { ("repeats", "gets") } else { ("repeat", "get") };
    let rows = counted(lines.len() as u64, "line");
    context
        .output
        .remark(format!("{rows} of the audience {repeat} a customer and {get} no message: {}{more}", named.join(", ")));
}
