//! What every call works with.

use std::fmt;
use std::sync::Arc;

use tower_http::cors::CorsLayer;

use super::cursor::Cursors;
use super::limits;
use super::metrics::Looked;
use super::readiness::Readiness;
use super::{HttpSettings, KeyRing, Layers, Metrics, Templates};
use crate::redemption::{Mapping, Redeemer};
use crate::voucher::Store;

/// The renderer and its store, as the calls see them. It is shared by all of them.
pub struct Service {
    pub(super) store: Arc<dyn Store>,
    pub(super) templates: Arc<Templates>,
    pub(super) settings: HttpSettings,
    pub(super) cors: CorsLayer,
    /// None where everybody may do everything.
    pub(super) keys: Option<KeyRing>,
    pub(super) layers: Layers,
    /// Which tracked events use vouchers.
    pub(super) mapping: Mapping,
    pub(super) cursors: Cursors,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pools_looked_up: Looked,
    pub(super) readiness: Readiness,
}

impl Service {
    /// A service over a store, with templates whose claims `metrics` counts. Without keys, whoever reaches it may do everything.
    pub fn new(
        store: Arc<dyn Store>,
        templates: Templates,
        settings: HttpSettings,
        keys: Option<KeyRing>,
        metrics: Arc<Metrics>,
    ) -> Service {
        let (templates, cursors) = (Arc::new(templates), Cursors::new(settings.cursor_secret.as_ref()));
        let cors = limits::cors(&settings.cors_origins);
        let (layers, mapping) = (Layers::default(), Mapping::default());
        let (waiting, rendering) = (Arc::clone(&templates), Arc::clone(&templates));
        metrics.ask_for_waiting(move || waiting.waiting());
        metrics.ask_for_rendering(move || rendering.threads().busy());
        Service {
            store,
            templates,
            settings,
            cors,
            keys,
            layers,
            mapping,
            cursors,
            metrics,
            pools_looked_up: Looked::default(),
            readiness: Readiness::default(),
        }
    }

    /// Takes those tracked events for uses of vouchers that `mapping` says.
    #[must_use]
    pub fn mapping(mut self, mapping: Mapping) -> Service {
        self.mapping = mapping;
        self
    }

    /// Shows these web layers. They need no keys.
    #[must_use]
    pub fn with_layers(mut self, layers: Layers) -> Service {
        self.layers = layers;
        self
    }

    pub(super) fn redeemer(&self) -> Redeemer {
        Redeemer::new(Arc::clone(&self.store) as _, Arc::clone(&self.store) as _)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}
