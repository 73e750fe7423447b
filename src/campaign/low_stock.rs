//! Tells when few vouchers of a pool are left.

use std::fmt;
use std::sync::Arc;

use crate::voucher::{LowStock, PoolName, Stock};

/// Who wants to hear that a pool has become low.
pub trait LowStockListener: Send + Sync {
    /// Hears that a pool fell to one of its thresholds. Whoever sends messages calls this, so it does not wait for anything.
    fn hear(&self, low: &LowStock);
}

/// Asks a store whether pools have become low, and tells the log and whoever listens.
#[derive(Clone)]
pub struct StockWatch {
    stock: Arc<dyn Stock>,
    listener: Option<Arc<dyn LowStockListener>>,
}

impl fmt::Debug for StockWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StockWatch(…)")
    }
}

impl StockWatch {
    /// A watch over the pools of a store; without a listener, only the log is told.
    pub fn new(stock: Arc<dyn Stock>, listener: Option<Arc<dyn LowStockListener>>) -> StockWatch {
        StockWatch { stock, listener }
    }

    /// Looks whether vouchers that were given lately made these pools low. Messages do not fail because nobody could look: what
    /// was crossed is told when somebody looks again.
    pub async fn look(&self, pools: &[PoolName]) {
        match self.stock.low_stock(pools).await {
            Ok(low) => low.iter().for_each(|low| self.tell(low)),
            Err(error) => tracing::warn!(kind = error.kind().code(), "nobody could look whether a pool is low"),
        }
    }

    fn tell(&self, low: &LowStock) {
        let LowStock { pool, threshold, left } = low;
        tracing::warn!(%pool, threshold, left, "few vouchers are left");
        if let Some(listener) = &self.listener {
            listener.hear(low);
        }
    }
}
