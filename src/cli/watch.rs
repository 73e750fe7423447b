//! Who is told when a pool becomes low while a command runs.

use std::sync::Arc;

use super::webhook::{Webhook, WebhookConfig};
use crate::campaign::{LowStockListener, StockWatch};
use crate::error::Result;
use crate::voucher::Stock;

/// A watch over pools, and the webhook that hears of them, if there is one.
pub(super) struct Watch {
    pub(super) stock: StockWatch,
    webhook: Option<Arc<Webhook>>,
}

impl Watch {
    pub(super) fn start(stock: Arc<dyn Stock>, config: Option<&WebhookConfig>, project: &str) -> Result<Watch> {
        let webhook = config.map(|config| Webhook::start(config.clone(), project).map(Arc::new)).transpose()?;
        let listener = webhook.clone().map(|webhook| webhook as Arc<dyn LowStockListener>);
        Ok(Watch { stock: StockWatch::new(stock, listener), webhook })
    }

    /// Waits for what the webhook has not been told yet, for a while.
    pub(super) async fn end(&self) {
        if let Some(webhook) = &self.webhook {
            webhook.end().await;
        }
    }
}
