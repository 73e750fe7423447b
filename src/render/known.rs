//! Where the vouchers of a pass come from.
//!
//! A message to be sent draws on [`Known`]: what the store has answered so far. A preview draws on a [`Catalogue`], which has
//! no codes and no way to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::session::Used;
use super::suggest::did_you_mean;
use crate::voucher::{Binding, Catalogue, Count, PoolCard, PoolName, Source, Voucher, VoucherRecord, Width};

/// What gives a pass its vouchers and counts.
pub(super) trait VoucherSource: Send + Sync {
    /// Fails with a hint at the nearest name if the pool does not exist, as far as that is known here.
    fn check_pool(&self, pool: &PoolName) -> Result<(), String>;
    /// The voucher bound for this pool and width, if it is known.
    fn voucher(&self, pool: &PoolName, width: Width) -> Option<Binding>;
    /// The pool's counts, if they are known.
    fn count(&self, pool: &PoolName) -> Option<Count>;
    /// The customer's vouchers, if they are known.
    fn customer_vouchers(&self) -> Option<Arc<Vec<VoucherRecord>>>;
}

/// What the store has answered for one message so far. Rendering is a function of the template, the message and this.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Known {
    bindings: Vec<(PoolName, Width, Binding)>,
    counts: BTreeMap<PoolName, Count>,
    customer_vouchers: Option<Arc<Vec<VoucherRecord>>>,
}

impl Known {
    /// Adds the voucher bound to a claim.
    pub fn bind(&mut self, pool: PoolName, width: Width, binding: Binding) {
        self.bindings.push((pool, width, binding));
    }

    /// Every voucher that is known.
    pub fn bindings(&self) -> impl Iterator<Item = (&PoolName, Width, &Binding)> {
        self.bindings.iter().map(|(pool, width, binding)| (pool, *width, binding))
    }

    /// A voucher that is known, as a message shows it.
    pub(super) fn used(&self, pool: PoolName, width: Width) -> Option<Used> {
        let binding = self.voucher(&pool, width)?;
        Some(Used { pool, width, binding })
    }

    /// Sets a pool's counts, for the whole message.
    pub fn set_count(&mut self, pool: PoolName, count: Count) {
        self.counts.insert(pool, count);
    }

    /// The counts that are known.
    pub fn counts(&self) -> &BTreeMap<PoolName, Count> {
        &self.counts
    }

    /// Forgets all counts, so that they are asked for anew.
    pub fn forget_counts(&mut self) {
        self.counts.clear();
    }

    /// Sets the customer's vouchers.
    pub fn set_customer_vouchers(&mut self, vouchers: Vec<VoucherRecord>) {
        self.customer_vouchers = Some(Arc::new(vouchers));
    }
}

impl VoucherSource for Known {
    fn check_pool(&self, _: &PoolName) -> Result<(), String> {
        Ok(())
    }

    fn voucher(&self, pool: &PoolName, width: Width) -> Option<Binding> {
        self.bindings.iter().find(|(name, of, _)| name == pool && *of == width).map(|(_, _, binding)| binding.clone())
    }

    fn count(&self, pool: &PoolName) -> Option<Count> {
        self.counts.get(pool).copied()
    }

    fn customer_vouchers(&self) -> Option<Arc<Vec<VoucherRecord>>> {
        self.customer_vouchers.clone()
    }
}

/// What a preview shows of these pools.
pub(super) fn previewed(
    catalogue: &Arc<Catalogue>,
    instant: Timestamp,
    vouchers: Vec<(PoolName, Width)>,
) -> impl Iterator<Item = Used> {
    let previewed = PreviewVouchers { catalogue: Arc::clone(catalogue), instant };
    vouchers.into_iter().filter_map(move |(pool, width)| {
        let binding = previewed.voucher(&pool, width)?;
        Some(Used { pool, width, binding })
    })
}

/// The vouchers of a preview: every pool's preview code, whatever the width.
pub(super) struct PreviewVouchers {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) instant: Timestamp,
}

impl PreviewVouchers {
    fn binding(&self, pool: &PoolName, card: &PoolCard) -> Binding {
        let PoolCard { preview_code: code, expires_at, metadata, .. } = card.clone();
        let (voucher, source, from) = (Voucher { code, expires_at, metadata }, Source::Pool, pool.clone());
        Binding { voucher, source, from, assigned_at: self.instant, reserved: true }
    }
}

impl VoucherSource for PreviewVouchers {
    fn check_pool(&self, pool: &PoolName) -> Result<(), String> {
        let known = || self.catalogue.keys().map(PoolName::as_str);
        if self.catalogue.contains_key(pool) { Ok(()) } else { Err(did_you_mean(pool.as_str(), known())) }
    }

    fn voucher(&self, pool: &PoolName, _: Width) -> Option<Binding> {
        self.catalogue.get(pool).map(|card| self.binding(pool, card))
    }

    fn count(&self, pool: &PoolName) -> Option<Count> {
        self.catalogue.get(pool).map(|card| card.count)
    }

    fn customer_vouchers(&self) -> Option<Arc<Vec<VoucherRecord>>> {
        Some(Arc::default())
    }
}
