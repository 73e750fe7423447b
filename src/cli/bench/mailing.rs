//! The ways in which the same messages are made: the whole path of a campaign, its limit, and programs without Tearoff.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::stage::Stage;
use super::workload::{self, Codes};
use crate::campaign::{
    Campaign, Columns, Outcome, Personalizer, Pipeline, RenderThreads, RunOptions, Status, WhenEmpty,
};

use crate::cli::isolation;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::Input;
use crate::render::{Attributes, Field, Known, Limits, Message, Renderer, Rendering, Template};
use crate::store::NaiveRedis;
use crate::voucher::{Channel, Store};

/// How many messages share a call to the store, as in a campaign whose file says nothing else.
const BATCH: usize = 500;

/// The prefix of what naive programs keep.
pub(super) const NAIVE: &str = "naive";

/// Messages of a channel, in memory and as an audience's file.
pub(super) struct Mailing {
    channel: Channel,
    audience: PathBuf,
    messages: Vec<Arc<Message>>,
    claimed: Arc<Template>,
    constant: Arc<Template>,
    given: Arc<Template>,
    /// The constant code, in child processes.
    isolated: Arc<Template>,
}

impl Mailing {
    pub(super) fn new(stage: &Stage, channel: Channel, recipients: usize) -> Result<Mailing> {
        let audience = stage.path(workload::audience_name(channel));
        workload::write_audience(&audience, channel, recipients)?;
        let template = |codes| workload::template(&Renderer::new(Limits::default()), channel, codes);
        let elsewhere = Renderer::new(Limits::default()).isolated(isolation::children()?);
        let isolated = workload::template(&elsewhere, channel, Codes::Constant)?;
        let (claimed, constant, given) =
            (template(Codes::Claimed)?, template(Codes::Constant)?, template(Codes::Given)?);
        let messages = workload::messages(&audience, channel)?;
        Ok(Mailing { channel, messages, audience, claimed, constant, given, isolated })
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The limit: one thread renders, every code is the same, and no store is asked.
    pub(super) async fn render_purely(&self) -> Result<()> {
        let (template, messages) = (Arc::clone(&self.constant), self.messages.clone());
        let render = move || {
            let known = Arc::new(Known::default());
            messages.iter().try_for_each(|message| complete(&template.render(message, &known)))
        };
        tokio::task::spawn_blocking(render).await.map_err(crashed)?
    }

    /// The same in a child process, in batches.
    pub(super) async fn render_isolated(&self) -> Result<()> {
        let (template, messages) = (Arc::clone(&self.isolated), self.messages.clone());
        let render = move || {
            let known = Arc::new(Known::default());
            messages.chunks(BATCH).try_for_each(|batch| {
                let renderings = template.render_all(batch.iter().map(|message| (message, &known)));
                renderings.iter().try_for_each(complete)
            })
        };
        tokio::task::spawn_blocking(render).await.map_err(crashed)?
    }

    /// The first so many messages, to be given away.
    pub(super) fn first(&self, count: usize) -> Vec<Message> {
        self.messages[..count].iter().map(|message| Message::clone(message)).collect()
    }

    /// Batches for [`Mailing::personalize`].
    pub(super) fn batches(&self) -> Vec<Vec<Message>> {
        let own = |messages: &[Arc<Message>]| messages.iter().map(|message| Message::clone(message)).collect();
        self.messages.chunks(BATCH).map(own).collect()
    }

    /// The path of a campaign with one render thread; the outcomes are dropped.
    pub(super) async fn personalize(&self, batches: Vec<Vec<Message>>, store: Arc<dyn Store>) -> Result<()> {
        let threads = Arc::new(RenderThreads::start(NonZeroUsize::MIN)?);
        let personalizer = Personalizer::new(Arc::clone(&self.claimed), store.clone(), store, threads);
        let mut pipeline = Pipeline::new();
        let mut batches = batches.into_iter();
        loop {
            while !pipeline.is_full() {
                let Some(messages) = batches.next() else { break };
                pipeline.add(&personalizer, messages, ());
            }
            let Some(landed) = pipeline.next().await? else { return Ok(()) };
            rendered(&landed.outcomes)?;
            personalizer.recycle(landed.outcomes);
        }
    }

    /// A whole campaign from files to files, with claims or with a constant code.
    pub(super) async fn run(&self, stage: &Stage, store: Arc<dyn Store>, codes: Codes, threads: usize) -> Result<()> {
        let template = if codes == Codes::Claimed { &self.claimed } else { &self.constant };
        let campaign = Campaign {
            id: workload::campaign_id()?,
            channel: self.channel,
            template: Arc::clone(template),
            audience: Input::File(self.audience.clone()),
            columns: Columns::new(),
            batch: BATCH,
            when_empty: WhenEmpty::Fail,
            claims: store.clone(),
            lookup: store,
            watch: None,
            threads: Arc::new(RenderThreads::start(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?),
        };
        let folder = stage.path("out");
        let summary = campaign.run(&folder, &RunOptions::default(), &mut |_| ()).await?;
        // The files are large, and there are many runs.
        let _ = std::fs::remove_dir_all(folder);
        if summary.report.tally.rendered == self.len() as u64 { Ok(()) } else { Err(unexpected()) }
    }

    /// One message after the other: a code is taken and written down, then the message renders. One thread does it all.
    pub(super) async fn render_naively(&self, messages: Vec<Message>, url: &str) -> Result<()> {
        let (template, url) = (Arc::clone(&self.given), url.to_owned());
        on_one_thread(async move {
            let redis = NaiveRedis::connect(&url, NAIVE).await?;
            claim_and_render(&redis, &template, messages).await
        })
        .await
    }

    /// The same by so many tasks of one thread.
    pub(super) async fn render_by_tasks(&self, mut messages: Vec<Message>, url: &str, tasks: usize) -> Result<()> {
        let (template, url) = (Arc::clone(&self.given), url.to_owned());
        on_one_thread(async move {
            let redis = NaiveRedis::connect(&url, NAIVE).await?;
            let share = messages.len().div_ceil(tasks).max(1);
            let mut running: JoinSet<Result<()>> = JoinSet::new();
            while !messages.is_empty() {
                let messages = messages.split_off(messages.len().saturating_sub(share));
                let (redis, template) = (redis.clone(), Arc::clone(&template));
                running.spawn(async move { claim_and_render(&redis, &template, messages).await });
            }
            while let Some(done) = running.join_next().await {
                done.map_err(crashed)??;
            }
            Ok(())
        })
        .await
    }
}

async fn claim_and_render(redis: &NaiveRedis, template: &Template, messages: Vec<Message>) -> Result<()> {
    for mut message in messages {
        let code = redis.claim(message.message_id.as_str()).await?;
        message.context = Attributes::from_fields([("code", Field::text(&code))]);
        complete(&template.render(&Arc::new(message), &Arc::default()))?;
    }
    Ok(())
}

/// Runs something on a thread of its own that does nothing else.
async fn on_one_thread(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let no_runtime = |error| Error::new(ErrorKind::Io, "a thread cannot be started").with_source(error);
        runtime.map_err(no_runtime)?.block_on(work)
    };
    tokio::task::spawn_blocking(run).await.map_err(crashed)?
}

/// Holds what was rendered to be whole, and keeps the compiler from leaving the work out.
fn complete(rendering: &Rendering) -> Result<()> {
    match black_box(rendering) {
        Rendering::Complete(_) => Ok(()),
        _ => Err(unexpected()),
    }
}

/// Holds every message of a batch to be rendered.
pub(super) fn rendered(outcomes: &[Outcome]) -> Result<()> {
    let all = outcomes.iter().all(|outcome| outcome.status() == Status::Rendered);
    if all { Ok(()) } else { Err(unexpected()) }
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Template, "a message of the benchmark was not rendered")
}

pub(super) fn crashed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Io, "a measurement crashed").with_source(error)
}
