//! Web layers: pages in a browser ask for them, whoever looks. `docs/LAYERS.md` describes them for the people of a shop.
//!
//! These are the only calls without a key. What they give is bounded by a signed token or cookie, by the origins of pages, and by
//! budgets for visitors, addresses and each layer.

mod budget;
mod display;
mod keys;
mod origin;
mod script;
mod settings;
mod token;
mod visitor;

pub use keys::VisitorKeys;
pub use settings::{Labels, LayerSettings, Reuse, Reveal, VisitorKey, VisitorSettings};
pub use token::Visit;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::options;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::budget::Budgets;
use super::{Service, Templates};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Channel, check_name};

/// How many bytes a display's body may have.
const BODY: usize = 32 << 10;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    let display = OpenApiRouter::new()
        .routes(routes!(display::display))
        .route("/v1/layers/{layer}/display", options(origin::preflight))
        .layer(DefaultBodyLimit::max(BODY));
    display.merge(script::routes())
}

/// The layers of a service, and how it knows their visitors.
#[derive(Debug, Default)]
pub struct Layers {
    layers: BTreeMap<String, Arc<Layer>>,
    keys: VisitorKeys,
    cookie_lifetime: Duration,
}

/// A layer.
#[derive(Debug)]
struct Layer {
    name: String,
    settings: LayerSettings,
    budgets: Budgets,
}

impl Layers {
    /// These layers.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the name of one is none, or there is no key to know visitors by.
    pub fn new(layers: &BTreeMap<String, LayerSettings>, visitors: &VisitorSettings) -> Result<Layers> {
        let keys = VisitorKeys::new(&visitors.keys);
        if !layers.is_empty() && keys.is_empty() {
            let error = Error::new(ErrorKind::InvalidInput, "there are layers, but no key to know their visitors by");
            return Err(error.with_help(
                "set TEAROFF_VISITOR_SECRET to what 'openssl rand -base64 32' prints, or keys in the section [visitors]",
            ));
        }
        let layers = layers.iter().map(|(name, settings)| {
            check_name("layer name", name)?;
            let (settings, budgets) = (settings.clone(), Budgets::new(settings));
            Ok((name.clone(), Arc::new(Layer { name: name.clone(), settings, budgets })))
        });
        Ok(Layers { layers: layers.collect::<Result<_>>()?, keys, cookie_lifetime: visitors.cookie_lifetime })
    }

    /// Whether the template of every layer is there.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] or [`ErrorKind::Template`], naming the layer.
    pub async fn check(&self, templates: &Templates) -> Result<()> {
        for layer in self.layers.values() {
            templates.find(layer.template(), Channel::WebLayer).await.map_err(|error| {
                Error::new(error.kind(), format!("layer '{}': {error}", layer.name))
                    .with_help(error.help().unwrap_or("see docs/LAYERS.md"))
            })?;
        }
        Ok(())
    }
}

impl Layer {
    fn template(&self) -> &str {
        self.settings.template.as_deref().unwrap_or(&self.name)
    }
}
