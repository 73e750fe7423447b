//! What every call works with.

use std::fmt;
use std::sync::Arc;

use super::metrics::{Looked, Measured, Metrics};
use super::readiness::Readiness;
use super::{HttpSettings, KeyRing};
use crate::campaign::StockWatch;
use crate::voucher::{Claims, Store};

/// The renderer and its store, as the calls see them. It is shared by all of them.
pub struct Service {
    pub(super) store: Arc<dyn Store>,
    /// The store's claims, counted. Whoever renders uses them.
    pub(super) claims: Arc<dyn Claims>,
    /// Who hears that a pool becomes low.
    pub(super) watch: StockWatch,
    pub(super) settings: HttpSettings,
    /// None where everybody may do everything.
    pub(super) keys: Option<KeyRing>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pools_looked_up: Looked,
    pub(super) readiness: Readiness,
}

impl Service {
    /// A service over a store. Without keys, whoever reaches it may do everything. The watch hears of pools that become low.
    pub fn new(store: Arc<dyn Store>, settings: HttpSettings, keys: Option<KeyRing>, watch: StockWatch) -> Service {
        let metrics = Metrics::new();
        let claims = Arc::new(Measured::new(Arc::clone(&store) as Arc<dyn Claims>, Arc::clone(&metrics)));
        let (pools_looked_up, readiness) = (Looked::default(), Readiness::default());
        Service { store, claims, watch, settings, keys, metrics, pools_looked_up, readiness }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}
