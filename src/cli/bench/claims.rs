//! Claims alone, without a template.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::mailing::crashed;
use super::record::{Record, rate};
use super::server::Server;
use super::stage::{Kind, Stage};
use super::workload::{self, campaign_id, customer_id, pool};
use super::{Extent, announce};
use crate::cli::output::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::store::NaiveRedis;
use crate::voucher::{
    Channel, Claim, Claimed, CustomerId, Kept, Lease, MessageId, MessageIdentity, Mode, Settled, Shown, Store, Width,
};

/// How many claims share a call.
const BATCH: usize = 500;
/// How many batches of one claim are on their way at a time.
const SINGLE_IN_FLIGHT: usize = 256;
/// How many batches of claims are on their way at a time, as many as in a campaign.
const IN_FLIGHT: usize = 4;
/// What share of the claims goes one by one.
const SINGLE_SHARE: usize = 10;

/// Measures the stores, and the script that does one message.
pub(super) async fn measure(stage: &Stage, extent: Extent, output: &Output, record: &mut Record) -> Result<()> {
    let count = extent.recipients_or(200_000);
    let few = (count / SINGLE_SHARE).max(1);
    let server = stage.server().await?;
    let redis = server.plain("script").await?;
    for run in 0..extent.runs {
        announce(output, "claims", run, extent);
        redis.remove_everything().await?;
        let store = stage.store(Kind::Redis, &server, count).await?;
        let work = rate(count, claim_all(store, batches(count, BATCH)?, IN_FLIGHT));
        add_with_server_time(record, &redis, ("claims.redis.per_second", "claims.redis.server_us"), count, work)
            .await?;
        measure_script(record, &server, count).await?;
        let store = stage.store(Kind::Sqlite, &server, count).await?;
        let found = rate(count, claim_all(store, batches(count, BATCH)?, IN_FLIGHT)).await?;
        record.add("claims.sqlite.per_second", found);
        let store = stage.store(Kind::Redis, &server, few).await?;
        let work = rate(few, claim_all(store, batches(few, 1)?, SINGLE_IN_FLIGHT));
        let names = ("claims.redis.single_per_second", "claims.redis.single_server_us");
        add_with_server_time(record, &redis, names, few, work).await?;
    }
    Ok(())
}

/// Takes note of how many a second there were, and of how much of its processor's time the server took for each.
async fn add_with_server_time(
    record: &mut Record,
    redis: &NaiveRedis,
    (rate_name, time_name): (&str, &str),
    count: usize,
    work: impl Future<Output = Result<f64>>,
) -> Result<()> {
    let before = server_seconds(redis).await?;
    let found = work.await?;
    let seconds = server_seconds(redis).await? - before;
    record.add(rate_name, found);
    record.add(time_name, seconds * 1e6 / count as f64);
    Ok(())
}

async fn server_seconds(redis: &NaiveRedis) -> Result<f64> {
    Ok(redis.info("used_cpu_user").await? + redis.info("used_cpu_sys").await?)
}

/// Batches of claims, one claim for each customer.
pub(super) fn batches(count: usize, size: usize) -> Result<Vec<Vec<Claim>>> {
    let claims = (0..count).map(claim).collect::<Result<Vec<_>>>()?;
    Ok(claims.chunks(size).map(<[Claim]>::to_vec).collect())
}

fn claim(number: usize) -> Result<Claim> {
    let (customer, campaign_id) = (customer_id(number), campaign_id()?);
    let message = MessageIdentity {
        message_id: MessageId::new(format!("{campaign_id}/{customer}"))?,
        customer_id: CustomerId::new(customer)?,
        campaign_id: Some(campaign_id),
        channel: Channel::Email,
        mode: Mode::Live,
    };
    Ok(Claim { pool: pool()?, width: Width::Message, message: Arc::new(message) })
}

/// Reserves and settles all batches, so many at a time.
pub(super) async fn claim_all(store: Arc<dyn Store>, batches: Vec<Vec<Claim>>, in_flight: usize) -> Result<()> {
    stream::iter(batches)
        .map(|batch| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { claim_batch(&*store, &batch).await })
        })
        .buffered(in_flight)
        .map(|done| done.map_err(crashed)?)
        .try_for_each(|()| async { Ok(()) })
        .await
}

async fn claim_batch(store: &dyn Store, claims: &[Claim]) -> Result<()> {
    let lease = Lease::new(Lease::TIME);
    let claimed = store.reserve(&lease, claims).await?;
    let kept = claims.iter().zip(claimed).map(|(claim, claimed)| kept(claim, claimed)).collect::<Result<Vec<_>>>()?;
    let settled = store.settle(&lease, &kept).await?;
    if settled.iter().all(|settled| *settled == Settled::Accepted) { Ok(()) } else { Err(refused()) }
}

fn kept(claim: &Claim, claimed: Claimed) -> Result<Kept> {
    let Claimed::Bound(binding) = claimed else { return Err(refused()) };
    let shown = Shown { pool: claim.pool.clone(), key: claim.required_key()?, code: binding.voucher.code };
    Ok(Kept { message: Arc::clone(&claim.message), shown: vec![shown] })
}

fn refused() -> Error {
    Error::new(ErrorKind::Refused, "the store refused a claim of the benchmark")
}

/// The script that claims for one message, called in pipelines as long as a batch.
async fn measure_script(record: &mut Record, server: &Server, count: usize) -> Result<()> {
    let redis = server.plain("script").await?;
    redis.load_script().await?;
    for codes in workload::pipelines(0..count) {
        redis.fill_list(&codes).await?;
    }
    let campaign = campaign_id()?;
    let message = |number| (format!("{campaign}/{}", customer_id(number)), customer_id(number));
    let messages: Vec<(String, String)> = (0..count).map(message).collect();
    let batches: Vec<_> = messages.chunks(BATCH).map(<[_]>::to_vec).collect();
    let work = stream::iter(batches)
        .map(|batch| {
            let redis = redis.clone();
            tokio::spawn(async move { claim_by_script(&redis, &batch).await })
        })
        .buffered(IN_FLIGHT)
        .map(|done| done.map_err(crashed)?)
        .try_for_each(|()| async { Ok(()) });
    let names = ("claims.redis.one_message_per_second", "claims.redis.one_message_server_us");
    add_with_server_time(record, &redis, names, count, rate(count, work)).await
}

async fn claim_by_script(redis: &NaiveRedis, batch: &[(String, String)]) -> Result<()> {
    redis.claim_by_script(campaign_id()?.as_str(), batch).await.map(drop)
}
