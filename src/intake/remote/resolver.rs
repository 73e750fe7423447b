//! Host names → addresses that may be asked.

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::Reach;

/// Looks names up, and refuses a name if any of its addresses may not be asked. What it gives is what is connected to, so that
/// a name cannot mean something else a moment later.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    pub(super) reach: Reach,
    pub(super) system: DefaultResolver,
}

/// A host that may not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the host is not on the public Internet")]
pub(super) struct Private;

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.system.resolve(uri, config, timeout)?;
        match addresses.iter().all(|address| self.reach.allows(address.ip())) {
            true => Ok(addresses),
            false => Err(ureq::Error::Other(Box::new(Private))),
        }
    }
}
