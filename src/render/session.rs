//! One pass over one message: what its template asked for so far, and what it was given.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Message;
use super::known::VoucherSource;
use crate::voucher::{Binding, Claim, Count, MessageIdentity, PoolName, VoucherRecord, Width};

/// A pass over a message. The objects that a template sees share it.
pub(super) struct Session {
    pub(super) message: Arc<Message>,
    source: Arc<dyn VoucherSource>,
    /// How many vouchers the message may show.
    limit: usize,
    /// Whether lookups of attributes that are not there are remembered.
    pub(super) tracks_missing: bool,
    pass: Mutex<Pass>,
}

#[derive(Default)]
struct Pass {
    uncached: Vec<(PoolName, u32)>,
    used: Vec<Used>,
    missing: BTreeSet<String>,
    stop: Option<Stop>,
}

/// A voucher that a message shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    /// The pool that the template names.
    pub pool: PoolName,
    /// How widely the code is used again.
    pub width: Width,
    /// The voucher and where it came from.
    pub binding: Binding,
}

/// Why a pass ended before its template did.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    Claim(Claim),
    Count(PoolName),
    CustomerVouchers,
    Abort(Option<String>),
    /// There is no such pool; the hint names the nearest.
    UnknownPool(PoolName, String),
}

/// Why a template gets no voucher at this place.
pub(super) enum Unavailable {
    /// The pass is over; it goes on elsewhere.
    Stopped,
    /// The template is wrong, for the reason given.
    Wrong(Cow<'static, str>),
}

impl Session {
    pub(super) fn new(
        message: Arc<Message>,
        source: Arc<dyn VoucherSource>,
        limit: usize,
        tracks_missing: bool,
    ) -> Session {
        Session { message, source, limit, tracks_missing, pass: Mutex::default() }
    }

    fn pass(&self) -> MutexGuard<'_, Pass> {
        self.pass.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The voucher for a call at this place of the template.
    pub(super) fn claim(&self, pool: &PoolName, call: Reuse) -> Result<Binding, Unavailable> {
        let width = self.width(pool, call)?;
        if let Some(used) = self.pass().used.iter().find(|used| used.pool == *pool && used.width == width) {
            return Ok(used.binding.clone());
        }
        self.check_pool(pool)?;
        self.check_limit()?;
        let Some(binding) = self.source.voucher(pool, width) else {
            let message = self.message.identity().ok_or_else(|| {
                Unavailable::Wrong("a voucher needs a customer, and this message has no customer.id".into())
            })?;
            return Err(self.stop(Stop::Claim(claim(pool, width, message))));
        };
        self.pass().used.push(Used { pool: pool.clone(), width, binding: binding.clone() });
        Ok(binding)
    }

    fn check_pool(&self, pool: &PoolName) -> Result<(), Unavailable> {
        self.source.check_pool(pool).map_err(|hint| self.stop(Stop::UnknownPool(pool.clone(), hint)))
    }

    fn check_limit(&self) -> Result<(), Unavailable> {
        let limit = self.limit;
        if self.pass().used.len() < limit {
            return Ok(());
        }
        let message = format!("the message takes more than {limit} vouchers; take fewer, or raise limits.vouchers");
        Err(Unavailable::Wrong(message.into()))
    }

    fn width(&self, pool: &PoolName, call: Reuse) -> Result<Width, Unavailable> {
        match call {
            Reuse::Occurrence => Ok(Width::Occurrence(self.next_occurrence(pool))),
            Reuse::Message => Ok(Width::Message),
            Reuse::Customer => Ok(Width::Customer),
            Reuse::Campaign if self.message.campaign_id().is_some() => Ok(Width::Campaign),
            Reuse::Campaign => {
                Err(Unavailable::Wrong("per='campaign' needs a campaign, and this message has no campaign.id".into()))
            }
        }
    }

    fn next_occurrence(&self, pool: &PoolName) -> u32 {
        let uncached = &mut self.pass().uncached;
        match uncached.iter_mut().find(|(name, _)| name == pool) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                uncached.push((pool.clone(), 1));
                1
            }
        }
    }

    /// How many vouchers a pool has: one answer for the whole message.
    pub(super) fn count(&self, pool: &PoolName) -> Result<Count, Unavailable> {
        self.check_pool(pool)?;
        self.source.count(pool).ok_or_else(|| self.stop(Stop::Count(pool.clone())))
    }

    /// The customer's vouchers, without what this message itself reserves.
    pub(super) fn customer_vouchers(&self) -> Result<Arc<Vec<VoucherRecord>>, Unavailable> {
        self.source.customer_vouchers().ok_or_else(|| self.stop(Stop::CustomerVouchers))
    }

    /// Ends the pass. The first reason stands: whatever the template does with the error, nothing after it counts.
    pub(super) fn stop(&self, stop: Stop) -> Unavailable {
        self.pass().stop.get_or_insert(stop);
        Unavailable::Stopped
    }

    pub(super) fn stopped(&self) -> Option<Stop> {
        self.pass().stop.take()
    }

    pub(super) fn note_missing(&self, path: String) {
        self.pass().missing.insert(path);
    }

    pub(super) fn take_used(&self) -> Vec<Used> {
        std::mem::take(&mut self.pass().used)
    }

    pub(super) fn take_missing(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.pass().missing)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(…)")
    }
}

fn claim(pool: &PoolName, width: Width, message: &Arc<MessageIdentity>) -> Claim {
    Claim { pool: pool.clone(), width, message: Arc::clone(message) }
}

/// How widely an author wants a code used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    Occurrence,
    Message,
    Campaign,
    Customer,
}

impl Reuse {
    pub(super) const ALL: [(&'static str, Reuse); 4] = [
        ("message", Reuse::Message),
        ("campaign", Reuse::Campaign),
        ("customer", Reuse::Customer),
        ("occurrence", Reuse::Occurrence),
    ];
}
