//! The one place here that opens a store.

use std::sync::Arc;

use tearoff::Result;
use tearoff::store::RedisOptions;
use tearoff::voucher::Store;

/// The project of all tests: each has servers of its own.
pub(crate) const PROJECT: &str = "default";

pub(crate) async fn open(url: &str, options: RedisOptions) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(options.open(url, PROJECT).await?))
}
