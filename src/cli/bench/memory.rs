//! How many bytes of Redis a code takes.

use std::time::Duration;

use super::claims::{batches, claim_all};
use super::import::import_naively;
use super::record::Record;
use super::stage::{Kind, Stage, import};
use super::workload::{campaign_id, customer_id, pipelines, pool, portions};
use super::{Extent, announce};
use crate::cli::output::Output;
use crate::error::Result;
use crate::store::NaiveRedis;
use crate::voucher::PoolSettings;

/// How many claims share a call.
const BATCH: usize = 500;
/// How many codes are there before, so that what a store needs once does not count.
const BEFORE: usize = 1_000;
/// How long a server has to be quiet, and how many bytes are no noise.
const QUIET: Duration = Duration::from_millis(150);
const SILENCE: f64 = 10_000.0;
/// The project that is measured, and the key of its journal.
const PROJECT: &str = "memory";
const JOURNAL: &str = "tearoff:{memory:spring}:journal";

/// Measures both layouts, each on a server of its own.
pub(super) async fn measure(stage: &Stage, extent: Extent, output: &Output, record: &mut Record) -> Result<()> {
    for run in 0..extent.runs {
        announce(output, "memory", run, extent);
        measure_store(stage, extent.portion(), record).await?;
        measure_naive(stage, extent.portion(), record).await?;
    }
    Ok(())
}

/// The journal, which is kept for a set time only, is left out, as in `docs/REDIS.md`.
async fn measure_store(stage: &Stage, codes: usize, record: &mut Record) -> Result<()> {
    let server = stage.server().await?;
    let redis = server.plain("all").await?;
    claim_all(stage.store(Kind::Redis, &server, BEFORE).await?, batches(BEFORE, BATCH)?, 1).await?;
    let store = stage.open(Kind::Redis, &server, PROJECT).await?;
    store.create_pool(&pool()?, &PoolSettings::default()).await?;
    drop(store);
    let empty = used(&redis).await?;
    let store = stage.open(Kind::Redis, &server, PROJECT).await?;
    import(&*store, portions(BEFORE..BEFORE + codes, store.portion())).await?;
    drop(store);
    record.add("memory.available_bytes", (used(&redis).await? - empty) / codes as f64);
    let store = stage.open(Kind::Redis, &server, PROJECT).await?;
    claim_all(store, batches(codes, BATCH)?, 1).await?;
    redis.remove(JOURNAL).await?;
    record.add("memory.assigned_bytes", (used(&redis).await? - empty) / codes as f64);
    Ok(())
}

/// A set of codes and a hash for each.
async fn measure_naive(stage: &Stage, codes: usize, record: &mut Record) -> Result<()> {
    let server = stage.server().await?;
    let redis = server.plain("naive").await?;
    let empty = used(&redis).await?;
    import_naively(&redis, pipelines(0..codes)).await?;
    record.add("memory.naive_available_bytes", (used(&redis).await? - empty) / codes as f64);
    let customers: Vec<String> = (0..codes).map(customer_id).collect();
    for customers in customers.chunks(BATCH) {
        redis.assign(campaign_id()?.as_str(), customers).await?;
    }
    record.add("memory.naive_assigned_bytes", (used(&redis).await? - empty) / codes as f64);
    Ok(())
}

/// The memory that a server uses once it is quiet: only who asks is connected, and nothing grows or shrinks any more.
async fn used(redis: &NaiveRedis) -> Result<f64> {
    let mut last = 0.0;
    loop {
        tokio::time::sleep(QUIET).await;
        let now = redis.info("used_memory").await?;
        if redis.info("connected_clients").await? <= 1.0 && f64::abs(now - last) < SILENCE {
            return Ok(now);
        }
        last = now;
    }
}
