//! What the service counts, for Prometheus.
//!
//! Labels are bounded: no path, id or code that a caller sends is ever one.

mod call;
mod labels;
mod measured;
mod text;

pub(super) use call::{Looked, routes};

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use self::labels::{AnswerLabels, BuildLabels, CallLabels, OutcomeLabels, PoolLabels, RequestLabels, RouteLabels};
use self::measured::Measured;
use crate::campaign::Outcome;
use crate::error::{Error, ErrorKind};
use crate::voucher::{Claimed, Claims, PoolStatus};

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;
type Waiting = Box<dyn Fn() -> usize + Send + Sync>;
type Rendering = Box<dyn Fn() -> Duration + Send + Sync>;

/// Everything that is counted since the service began.
pub struct Metrics {
    registry: Registry,
    outcomes: Family<OutcomeLabels, Counter>,
    claims: Family<AnswerLabels, Counter>,
    vouchers: Family<PoolLabels, Gauge>,
    store_seconds: Histograms<CallLabels>,
    store_unavailable: Counter,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histograms<RouteLabels>,
    in_flight: Gauge,
    waiting: Gauge,
    render_seconds: Counter<f64, AtomicU64>,
    queue: OnceLock<Waiting>,
    rendering: OnceLock<Rendering>,
}

impl Metrics {
    /// Nothing is counted yet.
    pub fn new() -> Arc<Metrics> {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("tearoff"),
            outcomes: Family::default(),
            claims: Family::default(),
            vouchers: Family::default(),
            store_seconds: Family::new_with_constructor(seconds),
            store_unavailable: Counter::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            render_seconds: Counter::default(),
            queue: OnceLock::new(),
            rendering: OnceLock::new(),
        };
        metrics.register();
        Arc::new(metrics)
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("outcomes", "Messages by how they ended", self.outcomes.clone());
        registry.register("claims", "What the store answered to claims", self.claims.clone());
        registry.register("pool_vouchers", "Vouchers of each pool by their state", self.vouchers.clone());
        registry.register("store_seconds", "How long the calls take that claims make", self.store_seconds.clone());
        let help = "Calls of the store that failed because it could not be reached";
        registry.register("store_unavailable", help, self.store_unavailable.clone());
        registry.register("http_requests", "Calls by route and status", self.requests.clone());
        registry.register("http_request_seconds", "How long calls take", self.request_seconds.clone());
        registry.register("http_requests_in_flight", "Calls that are under way", self.in_flight.clone());
        registry.register("messages_waiting", "Single messages that wait for their batch", self.waiting.clone());
        let help = "How long the render threads have been busy, all of them together";
        registry.register("render_seconds", help, self.render_seconds.clone());
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build_info", "The version that runs", build);
    }

    /// The claims of a store, counted and timed: whoever renders takes them in place of the store's.
    pub fn measured(self: &Arc<Metrics>, claims: Arc<dyn Claims>) -> Arc<dyn Claims> {
        Arc::new(Measured::new(claims, Arc::clone(self)))
    }

    /// Counts a message that ended.
    pub(super) fn outcome(&self, outcome: &Outcome) {
        self.outcomes.get_or_create(&OutcomeLabels::of(outcome)).inc();
    }

    /// Whom to ask how many messages wait. The first to say so is asked.
    pub(super) fn ask_for_waiting(&self, waiting: impl Fn() -> usize + Send + Sync + 'static) {
        let _ = self.queue.set(Box::new(waiting));
    }

    /// Whom to ask how long the render threads have been busy. The first to say so is asked.
    pub(super) fn ask_for_rendering(&self, rendering: impl Fn() -> Duration + Send + Sync + 'static) {
        let _ = self.rendering.set(Box::new(rendering));
    }

    /// Counts a call that has begun.
    pub(super) fn request_began(&self) {
        self.in_flight.inc();
    }

    /// Counts a call that has been answered, or given up.
    pub(super) fn request_ended(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.in_flight.dec();
        self.requests.get_or_create(&RequestLabels { method, route: route.to_owned(), status }).inc();
        let labels = RouteLabels { method, route: route.to_owned() };
        self.request_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts what the store answered to claims.
    fn claimed(&self, answers: &[Claimed]) {
        for answer in answers {
            self.claims.get_or_create(&AnswerLabels::of(answer)).inc();
        }
    }

    /// Counts a call of the store.
    fn store_called(&self, call: &'static str, took: Duration) {
        self.store_seconds.get_or_create(&CallLabels { call }).observe(took.as_secs_f64());
    }

    /// Counts a failure of the store.
    pub(super) fn store_failed(&self, error: &Error) {
        if error.kind() == ErrorKind::StoreUnavailable {
            self.store_unavailable.inc();
        }
    }

    /// Keeps what the pools have.
    fn stocked(&self, pools: &[PoolStatus]) {
        self.vouchers.clear();
        for (labels, vouchers) in pools.iter().flat_map(PoolLabels::counts_of) {
            self.vouchers.get_or_create(&labels).set(i64::try_from(vouchers).unwrap_or(i64::MAX));
        }
    }

    /// Everything as Prometheus reads it.
    fn text(&self) -> String {
        if let Some(waiting) = self.queue.get() {
            self.waiting.set(i64::try_from(waiting()).unwrap_or(i64::MAX));
        }
        if let Some(rendering) = self.rendering.get() {
            self.render_seconds.inc_by((rendering().as_secs_f64() - self.render_seconds.get()).max(0.0));
        }
        text::of(&self.registry)
    }
}

/// From half a millisecond to eight seconds.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 15))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(…)")
    }
}
