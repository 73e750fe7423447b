//! A campaign file with its template compiled, and the pools that it brings along.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::campaign::{Campaign, CampaignFile, Forecast, RenderThreads, RunOptions, Upcoming};
use crate::cli::output::{grouped, table};
use crate::cli::progress::Progress;
use crate::cli::store::{StoreUrl, open_store};
use crate::cli::{Context, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{self, Seen, Source};
use crate::render::suggest::did_you_mean;
use crate::render::{PoolMention, Template};
use crate::voucher::{PoolName, PoolSettings, Store};

/// A campaign file with its template compiled.
pub(super) struct Prepared {
    pub(super) file: CampaignFile,
    template: Arc<Template>,
    threads: Arc<RenderThreads>,
}

impl Prepared {
    pub(super) fn read(path: &Path, context: &Context) -> Result<Prepared> {
        let file = CampaignFile::read(path, context.limits)?;
        let renderer = context.renderer(file.limits, &file.templates)?;
        let template = Arc::new(renderer.load(&file.template, file.channel)?);
        Ok(Prepared { file, template, threads: Arc::new(RenderThreads::for_this_machine()?) })
    }

    pub(super) fn campaign(&self, store: Arc<dyn Store>) -> Campaign {
        let CampaignFile { id, channel, audience, columns, batch, when_empty, .. } = self.file.clone();
        let (template, threads) = (Arc::clone(&self.template), Arc::clone(&self.threads));
        Campaign {
            id,
            channel,
            template,
            audience,
            columns,
            batch,
            when_empty,
            claims: store.clone(),
            lookup: store,
            watch: None,
            threads,
        }
    }

    /// Every pool that the template names literally, and every overflow pool, must exist or come with the campaign.
    pub(super) async fn check_pools(&self, store: &dyn Store) -> Result<()> {
        let known = self.known_pools(store).await?;
        for mention in self.template.pool_mentions() {
            if !known.keys().any(|name| name.as_str() == mention.name) {
                let near = did_you_mean(&mention.name, known.keys().map(PoolName::as_str));
                let message = format!("{}: there is no pool '{}'{near}", mention.place, mention.name);
                let error = Error::new(ErrorKind::Template, message);
                return Err(error.with_help(format!("'tearoff pool import {} FILE' makes it", mention.name)));
            }
        }
        self.file
            .pools
            .keys()
            .try_for_each(|name| known[name].check_overflow(name, |other| Ok::<_, Error>(known.get(other).cloned())))
    }

    /// All pools with the settings that they will have.
    async fn known_pools(&self, store: &dyn Store) -> Result<BTreeMap<PoolName, PoolSettings>> {
        let stored = store.pools().await?;
        let mut known: BTreeMap<_, _> = stored.into_iter().map(|pool| (pool.name, pool.settings)).collect();
        for (name, pool) in &self.file.pools {
            let settings = known.entry(name.clone()).or_default();
            if let Some(new) = &pool.settings {
                settings.clone_from(new);
            }
        }
        Ok(known)
    }

    pub(super) fn show_pools(&self, context: &Context, format: &Format) -> Result<()> {
        if format.json {
            let mentions: Vec<MentionJson> = self.template.pool_mentions().into_iter().map(MentionJson::from).collect();
            return context.output.json(&mentions);
        }
        let mut rows = table(&["POOL", "NAMED IN"]);
        for mention in self.template.pool_mentions() {
            rows.add_row([mention.name.clone(), mention.place.to_string()]);
        }
        context.output.table(rows)
    }

    /// What the audience needs, or the next run into a folder.
    pub(super) async fn forecast(
        &self,
        context: &Context,
        store: Arc<dyn Store>,
        run: Option<(&Path, &RunOptions)>,
    ) -> Result<Forecast> {
        let mut upcoming = Upcoming::new();
        let mut seen = Seen::default();
        for (name, pool) in &self.file.pools {
            let new = match &pool.import {
                Some(file) => {
                    let source = Source::of_file(file)?;
                    intake::new_codes(&*store, &source, &intake::Options::default(), &mut seen).await?
                }
                None => 0,
            };
            upcoming.insert(name.clone(), (new, pool.settings.clone()));
        }
        let mut progress = Progress::start(&context.output, "checking", None);
        let campaign = self.campaign(store);
        let mut told = |recipients| progress.at(recipients);
        let forecast = match run {
            Some((folder, options)) => campaign.check_run(folder, options, &upcoming, &mut told).await,
            None => campaign.check(&upcoming, &mut told).await,
        };
        progress.end();
        forecast
    }

    /// Makes the pools that the campaign brings along, and imports their codes.
    pub(super) async fn fill_pools(&self, context: &Context, store: &dyn Store) -> Result<()> {
        for name in self.file.pools.keys() {
            make_pool(store, name).await?;
        }
        for (name, pool) in &self.file.pools {
            if let Some(settings) = &pool.settings {
                set_pool(store, name, settings).await?;
            }
            if let Some(file) = &pool.import {
                let source = Source::of_file(file)?;
                let report = intake::import(store, name, &source, &intake::Options::default(), &mut |_| {}).await?;
                context.output.remark(imported(&report));
            }
        }
        Ok(())
    }
}

/// Where a template names a pool, for programs.
#[derive(Serialize)]
struct MentionJson {
    pool: String,
    file: String,
    line: usize,
    column: usize,
}

impl From<PoolMention> for MentionJson {
    fn from(PoolMention { name, place }: PoolMention) -> MentionJson {
        MentionJson { pool: name, file: place.file, line: place.line, column: place.column }
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
pub(super) async fn store_to_look_at(context: &Context) -> Result<Arc<dyn Store>> {
    match &context.store {
        StoreUrl::Sqlite(path) if !path.exists() => {
            open_store(&StoreUrl::Memory, &context.opening, &context.project).await
        }
        _ => context.open().await,
    }
}
