//! `tearoff campaign`: a template over an audience, from files to files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::output::{BOLD, counted, grouped, table};
use super::progress::Progress;
use super::store::{StoreUrl, open_store};
use super::{Context, Format};
use crate::campaign::{
    Campaign as Run, CampaignFile, Ending, Forecast, Reason, RenderThreads, RunOptions, Summary, Upcoming,
};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{self, Input};
use crate::render::suggest::did_you_mean;
use crate::render::{Renderer, Template};
use crate::voucher::{PoolName, PoolSettings, Store};

/// How many lines of duplicates a warning names.
const NAMED_LINES: usize = 10;

const CHECK_EXAMPLES: &str = "\
Examples:
  tearoff campaign check campaign.toml           what the audience needs, and who would go without
  tearoff campaign check campaign.toml --static  only whether the template is sound and its pools exist";

const RUN_EXAMPLES: &str = "\
Examples:
  tearoff campaign run campaign.toml --out out                 check, then render; run again, it goes on
  tearoff campaign run campaign.toml --out out --limit 100     the first 100 recipients, the rest later
  tearoff campaign run campaign.toml --out out --retry-failed  after an import: those who went without

Writes messages.jsonl, events.jsonl, suppressed.jsonl, report.json and checkpoint.json into the folder.";

/// The commands of a campaign.
#[derive(Subcommand)]
pub(super) enum Campaign {
    /// Forecast how many vouchers the audience still needs, without touching any
    Check(Check),
    /// Check, then render a message for every recipient
    Run(RunCommand),
}

#[derive(Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(super) struct Check {
    /// The campaign file
    file: PathBuf,
    /// Do not read the audience: look only at the template and the pools that it names
    #[arg(long = "static")]
    without_audience: bool,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(super) struct RunCommand {
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

impl Campaign {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Campaign::Check(check) => super::interruptible(check.run(context)).await,
            Campaign::Run(run) => run.run(context).await,
        }
    }
}

impl Check {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let prepared = Prepared::read(&self.file)?;
        let store = store_to_look_at(context)?;
        prepared.check_pools(&*store).await?;
        if self.without_audience {
            prepared.show_pools(context)?;
            return Ok(Exit::Done);
        }
        let forecast = prepared.forecast(context, store).await?;
        if self.format.json {
            context.output.json(&forecast)?;
        } else {
            show_forecast(context, &forecast)?;
        }
        warn(context, &forecast);
        fails_for_everybody(&forecast)?;
        Ok(if forecast.enough { Exit::Done } else { Exit::PoolTooSmall })
    }
}

impl RunCommand {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let prepared = Prepared::read(&self.file)?;
        let store = store_to_look_at(context)?;
        prepared.check_pools(&*store).await?;
        let mut expected = None;
        if prepared.file.audience == Input::Standard {
            context.output.remark("standard input cannot be read twice: the audience is not checked beforehand");
        } else {
            let forecast = tokio::select! {
                forecast = prepared.forecast(context, Arc::clone(&store)) => forecast?,
                Ok(()) = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            };
            warn(context, &forecast);
            fails_for_everybody(&forecast)?;
            if !forecast.enough && !self.force {
                show_forecast(context, &forecast)?;
                return Err(too_small(&forecast));
            }
            expected = Some(forecast);
        }
        prepared.campaign(store).check_folder(&self.out)?;
        let store = context.open_or_make()?;
        prepared.fill_pools(context, &*store).await?;
        let summary = self.render(context, &prepared.campaign(store), expected.as_ref()).await?;
        self.tell(context, &summary)
    }

    async fn render(&self, context: &Context, campaign: &Run, expected: Option<&Forecast>) -> Result<Summary> {
        let interrupt = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupt);
        let listener = tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                flag.store(true, Ordering::Relaxed);
            }
        });
        let options = RunOptions { retry_failed: self.retry_failed, limit: self.limit, interrupt };
        let recipients = expected.map(|forecast| forecast.recipients);
        let vouchers = expected.map(|forecast| forecast.pools.values().map(|pool| pool.available).sum());
        let mut progress = Progress::start(&context.output, "rendering", recipients).with_vouchers(vouchers);
        let summary = campaign.run(&self.out, &options, &mut |tally| progress.tell(tally)).await;
        progress.end();
        listener.abort();
        summary
    }

    fn tell(&self, context: &Context, summary: &Summary) -> Result<Exit> {
        let tally = &summary.report.tally;
        if self.format.json {
            context.output.json(&summary.report)?;
        } else {
            let vouchers = tally.vouchers.iter().map(|(pool, count)| format!("{} of {pool}", grouped(*count)));
            let rows = [
                ("recipients", grouped(tally.recipients)),
                ("rendered", grouped(tally.rendered)),
                ("enqueue_failed", grouped(tally.enqueue_failed) + &reasons(tally.reasons.iter())),
                ("suppressed", grouped(tally.suppressed)),
                ("duplicates", grouped(tally.duplicates)),
                (
                    "vouchers",
                    Some(vouchers.collect::<Vec<_>>().join(", "))
                        .filter(|text| !text.is_empty())
                        .unwrap_or_else(|| "none".into()),
                ),
                (
                    "seconds",
                    format!("{:.1} ({} a second)", summary.report.seconds, grouped(summary.report.per_second as u64)),
                ),
                ("written to", self.out.display().to_string()),
            ];
            context.output.table(super::output::card(rows))?;
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

fn reasons<'a>(reasons: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    let all: Vec<String> = reasons.map(|(reason, count)| format!("{reason} {}", grouped(*count))).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

/// A campaign file with its template compiled.
struct Prepared {
    file: CampaignFile,
    template: Arc<Template>,
    threads: Arc<RenderThreads>,
}

impl Prepared {
    fn read(path: &std::path::Path) -> Result<Prepared> {
        let file = CampaignFile::read(path)?;
        let renderer = Renderer::new(file.limits).in_folder(&file.templates);
        let template = Arc::new(renderer.load(&file.template, file.channel)?);
        Ok(Prepared { file, template, threads: Arc::new(RenderThreads::for_this_machine()?) })
    }

    fn campaign(&self, store: Arc<dyn Store>) -> Run {
        let CampaignFile { id, channel, audience, columns, batch, when_empty, .. } = self.file.clone();
        let (template, threads) = (Arc::clone(&self.template), Arc::clone(&self.threads));
        Run {
            id,
            channel,
            template,
            audience,
            columns,
            batch,
            when_empty,
            claims: store.clone(),
            lookup: store,
            threads,
        }
    }

    /// Every pool that the template names literally must exist or come with the campaign.
    async fn check_pools(&self, store: &dyn Store) -> Result<()> {
        let known = self.known_pools(store).await?;
        for mention in self.template.pool_mentions() {
            if !known.contains(&mention.name) {
                let near = did_you_mean(&mention.name, known.iter().map(String::as_str));
                let message = format!("{}: there is no pool '{}'{near}", mention.place, mention.name);
                let error = Error::new(ErrorKind::Template, message);
                return Err(error.with_help(format!("'tearoff pool import {} FILE' makes it", mention.name)));
            }
        }
        Ok(())
    }

    async fn known_pools(&self, store: &dyn Store) -> Result<Vec<String>> {
        let own = self.file.pools.keys().map(|name| name.as_str().to_owned());
        let pools = store.pools().await?;
        Ok(own.chain(pools.into_iter().map(|pool| pool.name.as_str().to_owned())).collect())
    }

    fn show_pools(&self, context: &Context) -> Result<()> {
        let mut rows = table(&["POOL", "NAMED IN"]);
        for mention in self.template.pool_mentions() {
            rows.add_row([mention.name.clone(), mention.place.to_string()]);
        }
        context.output.table(rows)
    }

    async fn forecast(&self, context: &Context, store: Arc<dyn Store>) -> Result<Forecast> {
        let mut upcoming = Upcoming::new();
        for (name, pool) in &self.file.pools {
            let new = match &pool.import {
                Some(file) => {
                    intake::new_codes(&*store, &Input::File(file.clone()), &intake::Options::default()).await?
                }
                None => 0,
            };
            upcoming.insert(name.clone(), (new, pool.settings.clone()));
        }
        let mut progress = Progress::start(&context.output, "checking", None);
        let forecast = self.campaign(store).check(&upcoming, &mut |recipients| progress.at(recipients)).await;
        progress.end();
        forecast
    }

    /// Makes the pools that the campaign brings along, and imports their codes.
    async fn fill_pools(&self, context: &Context, store: &dyn Store) -> Result<()> {
        for name in self.file.pools.keys() {
            make_pool(store, name).await?;
        }
        for (name, pool) in &self.file.pools {
            if let Some(settings) = &pool.settings {
                set_pool(store, name, settings).await?;
            }
            if let Some(file) = &pool.import {
                let input = Input::File(file.clone());
                let report = intake::import(store, name, &input, &intake::Options::default(), &mut |_| {}).await?;
                context.output.remark(imported(&report));
            }
        }
        Ok(())
    }
}

/// Makes a pool unless it is there, perhaps made by another process at this very moment.
async fn make_pool(store: &dyn Store, name: &PoolName) -> Result<()> {
    match store.create_pool(name, &PoolSettings::default()).await {
        Err(error) if error.kind() == ErrorKind::Refused => Ok(()),
        made => made,
    }
}

/// Gives a pool the settings of the campaign file, which says nothing of a pause.
async fn set_pool(store: &dyn Store, name: &PoolName, settings: &PoolSettings) -> Result<()> {
    let paused = store.pool(name).await?.is_some_and(|pool| pool.settings.paused);
    store.set_pool(name, &PoolSettings { paused, ..settings.clone() }).await
}

fn imported(report: &intake::ImportReport) -> String {
    let mut parts = vec![format!("{} new", grouped(report.added))];
    let counts = [
        (report.already_in_pool, "already there"),
        (report.in_other_pool, "in another pool"),
        (report.rejected_count(), "rejected"),
    ];
    parts.extend(
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(count))),
    );
    format!("pool {}: {}", report.pool, parts.join(", "))
}

/// The store for looking, which a look does not make.
fn store_to_look_at(context: &Context) -> Result<Arc<dyn Store>> {
    match &context.store {
        StoreUrl::Sqlite(path) if !path.exists() => open_store(&StoreUrl::Memory, &context.project),
        _ => context.open(),
    }
}

fn show_forecast(context: &Context, forecast: &Forecast) -> Result<()> {
    let title = format!("campaign {}: {}", forecast.campaign_id, counted(forecast.recipients, "recipient"));
    context.output.text(&context.output.styled(BOLD, title))?;
    if forecast.pools.is_empty() {
        return context.output.text("no new voucher is needed");
    }
    let mut rows = table(&["POOL", ">NEEDED", ">AVAILABLE", ">MISSING", "RUNS DRY AT"]);
    for (name, pool) in &forecast.pools {
        let dry =
            pool.dry_at.as_ref().map(|dry| format!("row {} (customer {})", grouped(dry.row), dry.customer_id.as_str()));
        let [needed, available, missing] = [pool.needed, pool.available, pool.missing].map(grouped);
        rows.add_row([name.as_str().to_owned(), needed, available, missing, dry.unwrap_or_default()]);
    }
    context.output.table(rows)
}

fn too_small(forecast: &Forecast) -> Error {
    let short: Vec<String> = forecast
        .pools
        .iter()
        .filter(|(_, pool)| pool.missing > 0)
        .map(|(name, pool)| format!("pool '{name}' lacks {}", counted(pool.missing, "voucher")))
        .collect();
    Error::new(ErrorKind::PoolTooSmall, short.join("; "))
        .with_help("import codes, or add --force to render as many messages as there are codes for")
}

fn warn(context: &Context, forecast: &Forecast) {
    for missing in &forecast.missing_attributes {
        let near = missing.suggestion.as_ref().map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
        let (of, all) = (grouped(missing.missing), grouped(missing.recipients));
        context.output.remark(format!("{} is missing for {of} of {all} recipients{near}", missing.name));
    }
    for (reason, (count, first)) in &forecast.failures {
        let text = format!("{} will end with {}, the first: {first}", counted(*count, "message"), reason.as_str());
        context.output.remark(text);
    }
}

/// A template that fails for every recipient is wrong, not its data.
fn fails_for_everybody(forecast: &Forecast) -> Result<()> {
    let failed = forecast.failures.get(&Reason::TemplateError);
    match failed {
        Some((count, first)) if *count == forecast.recipients => Err(Error::new(ErrorKind::Template, first.clone())),
        _ => Ok(()),
    }
}

fn warn_of_duplicates(context: &Context, lines: &[u64]) {
    if lines.is_empty() {
        return;
    }
    let named: Vec<String> = lines.iter().take(NAMED_LINES).map(u64::to_string).collect();
    let more = if lines.len() > NAMED_LINES { ", …" } else { "" };
    let text = format!(
        "{} of the audience repeat a customer and get no message: {}{more}",
        counted(lines.len() as u64, "line"),
        named.join(", ")
    );
    context.output.remark(text);
}
