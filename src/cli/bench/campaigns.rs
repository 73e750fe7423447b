//! Whole campaigns, e-mails and text messages.

use super::mailing::{Mailing, NAIVE};
use super::record::{Record, rate};
use super::server::Server;
use super::stage::{Kind, Stage};
use super::workload::{self, Codes};
use super::{Extent, announce};
use crate::cli::output::Output;
use crate::error::Result;
use crate::voucher::Channel;

/// How many tasks of the naive program run at a time.
const TASKS: usize = 256;
/// What share of the recipients the naive loop has to do: it takes long.
const NAIVE_SHARE: usize = 10;

/// Measures one channel in every way, all ways within each run.
pub(super) async fn measure(
    stage: &Stage,
    channel: Channel,
    extent: Extent,
    output: &Output,
    record: &mut Record,
) -> Result<()> {
    let recipients = extent.recipients_or(if channel == Channel::Email { 50_000 } else { 100_000 });
    let mailing = Mailing::new(stage, channel, recipients)?;
    let server = stage.server().await?;
    for run in 0..extent.runs {
        announce(output, channel.as_str(), run, extent);
        server.plain("all").await?.remove_everything().await?;
        let name = |figure: &str| format!("{channel}.{figure}");
        record.add(name("pure_per_second"), rate(recipients, mailing.render_purely()).await?);
        record.add(name("isolated_per_second"), rate(recipients, mailing.render_isolated()).await?);
        for kind in Kind::BOTH {
            let store = stage.store(kind, &server, recipients).await?;
            let batches = mailing.batches();
            let found = rate(recipients, mailing.personalize(batches, store)).await?;
            record.add(name(&format!("{}.per_second", kind.as_str())), found);
        }
        measure_files(stage, &server, &mailing, name, record).await?;
        measure_naive(&server, &mailing, name, record).await?;
    }
    Ok(())
}

async fn measure_files(
    stage: &Stage,
    server: &Server,
    mailing: &Mailing,
    name: impl Fn(&str) -> String,
    record: &mut Record,
) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let ways = [
        ("files.without_claims_per_second", Kind::Redis, Codes::Constant, 1),
        ("files.redis.per_second", Kind::Redis, Codes::Claimed, 1),
        ("files.sqlite.per_second", Kind::Sqlite, Codes::Claimed, 1),
        ("files.redis.all_threads_per_second", Kind::Redis, Codes::Claimed, cores),
    ];
    for (figure, kind, codes, threads) in ways {
        let stock = if codes == Codes::Claimed { mailing.len() } else { 0 };
        let store = stage.store(kind, server, stock).await?;
        record.add(name(figure), rate(mailing.len(), mailing.run(stage, store, codes, threads)).await?);
    }
    Ok(())
}

async fn measure_naive(
    server: &Server,
    mailing: &Mailing,
    name: impl Fn(&str) -> String,
    record: &mut Record,
) -> Result<()> {
    let few = (mailing.len() / NAIVE_SHARE).max(1);
    let redis = server.plain(NAIVE).await?;
    for codes in workload::pipelines(0..mailing.len() + few) {
        redis.import(&codes).await?;
    }
    let naive = rate(few, mailing.render_naively(mailing.first(few), server.url())).await?;
    record.add(name("naive_per_second"), naive);
    let all = mailing.first(mailing.len());
    let tasks = rate(mailing.len(), mailing.render_by_tasks(all, server.url(), TASKS)).await?;
    record.add(name("tasks256_per_second"), tasks);
    Ok(())
}
