//! The way to the server, or servers.
//!
//! All callers share one connection, which sends what they ask without waiting for answers in between. An answer that is
//! lost is asked for again: every script gives the same answer then.

mod dial;
mod lane;
mod request;
mod sentinel;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};
use tokio::time::{Instant, sleep, timeout_at};

use self::dial::Dialer;
use self::lane::Lane;
use self::request::{Confirmation, Request};
use super::fault::{Cure, Fault};
use super::options::RedisOptions;
use super::reply;
use super::script::Call;
use super::target::RedisUrl;
use crate::error::Result;

/// What waits for replicas blocks its connection: so it has some of its own.
const KEPT_LANES: usize = 4;

/// The longest time that opening a store may take.
const OPENING: Duration = Duration::from_secs(5);

/// A way to the server that all callers share.
#[derive(Clone)]
pub(super) struct Link {
    lane: Arc<Lane>,
    /// For calls whose answers count only when replicas have what was written.
    kept_lanes: Arc<[Lane]>,
    next_kept: Arc<AtomicUsize>,
    url: Arc<RedisUrl>,
    confirmation: Confirmation,
    patience: Duration,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Link {
    /// Connects once, so that a wrong address or password is told at once.
    pub(super) async fn open(url: RedisUrl, options: &RedisOptions) -> Result<Link> {
        let dialer = Arc::new(Dialer::new(url.clone(), options)?);
        let lane = Lane::new(Arc::clone(&dialer));
        let kept_lanes = if options.replicas == 0 { 0 } else { KEPT_LANES };
        let link = Link {
            lane: Arc::new(lane),
            kept_lanes: (0..kept_lanes).map(|_| Lane::new(Arc::clone(&dialer))).collect(),
            next_kept: Arc::default(),
            url: Arc::new(url),
            // Four that follow each other on a connection are confirmed, or not, before the last one counts as lost.
            confirmation: Confirmation { replicas: options.replicas, time: dialer.response_time() / 4 },
            patience: options.patience,
        };
        let deadline = Instant::now() + options.patience.min(OPENING);
        let connected = timeout_at(deadline, link.lane.connect()).await.unwrap_or(Err(Fault::Late));
        connected.map_err(|fault| fault.told_of(&link.url))?;
        Ok(link)
    }

    /// The same way for those who cannot wait long.
    pub(super) fn impatient(&self) -> Link {
        Link { patience: self.patience.min(OPENING), ..self.clone() }
    }

    pub(super) fn url(&self) -> &RedisUrl {
        &self.url
    }

    /// Runs a script, and again if its answer is lost: every script gives the same answer when it is asked again.
    pub(super) async fn run(&self, call: &Call) -> Result<Value> {
        let kept = if call.kept { self.kept_lane() } else { None };
        match kept {
            Some(lane) => self.persist(lane, Request::Kept(call, self.confirmation)).await,
            None => self.persist(&self.lane, Request::Script(call)).await,
        }
    }

    /// Runs a command that only reads.
    pub(super) async fn query(&self, command: &Cmd) -> Result<Value> {
        self.persist(&self.lane, Request::Command(command)).await
    }

    /// Runs commands that only read, one after the other, all of one slot.
    pub(super) async fn query_all(&self, commands: &Pipeline) -> Result<Vec<Value>> {
        reply::list(self.persist(&self.lane, Request::Commands(commands)).await?)
    }

    /// Runs a command on every master, and gives a map of their answers by address. What a master refuses is its answer.
    pub(super) async fn query_masters(&self, command: &Cmd) -> Result<Value> {
        self.persist(&self.lane, Request::Masters(command)).await
    }

    fn kept_lane(&self) -> Option<&Lane> {
        let count = self.kept_lanes.len().max(1);
        self.kept_lanes.get(self.next_kept.fetch_add(1, Ordering::Relaxed) % count)
    }

    /// Has a request answered, with as many attempts as fit into the patience.
    async fn persist(&self, lane: &Lane, request: Request<'_>) -> Result<Value> {
        let deadline = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        let mut last = Fault::Late;
        loop {
            match timeout_at(deadline, lane.attempt(&request)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(fault)) => last = fault,
                Err(_) => return Err(last.told_of(&self.url)),
            }
            let wait = pause.mul_f64(rand::random_range(0.5..1.0));
            if last.cure() == Cure::None || Instant::now() + wait >= deadline {
                return Err(last.told_of(&self.url));
            }
            tracing::debug!(store = %self.url, "asks again: {}", last.told_of(&self.url));
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
