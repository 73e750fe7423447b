//! What every call works with.

use std::fmt;
use std::sync::Arc;

use super::{HttpSettings, Keys, Layers, Templates};
use crate::voucher::Store;

/// The renderer and its store, as the calls see them. It is shared by all of them.
pub struct Service {
    pub(super) store: Arc<dyn Store>,
    pub(super) templates: Templates,
    pub(super) settings: HttpSettings,
    /// None where everybody may do everything.
    pub(super) keys: Option<Keys>,
    pub(super) layers: Layers,
}

impl Service {
    /// A service over a store. Without keys, whoever reaches it may do everything.
    pub fn new(store: Arc<dyn Store>, templates: Templates, settings: HttpSettings, keys: Option<Keys>) -> Service {
        Service { store, templates, settings, keys, layers: Layers::default() }
    }

    /// Shows these web layers. They need no keys.
    #[must_use]
    pub fn with_layers(mut self, layers: Layers) -> Service {
        self.layers = layers;
        self
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}
