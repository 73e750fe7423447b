//! When what a message lacks is final: nobody else holds what it could have had, and gives it back.

use std::collections::BTreeSet;

use super::attempt::{Draft, End, Stage};
use super::personalizer::{Attempt, Personalizer};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Binding, Channel, PoolName, Refusal, Width};

impl Attempt {
    /// Whether a message lacks what another lease holds.
    pub(super) fn is_contended(&self) -> bool {
        self.drafts.iter().any(is_contended)
    }
}

/// Where a batch cannot be decided yet, and why.
pub(super) struct Undecided {
    pub(super) index: usize,
    pub(super) waits_for_others: bool,
}

impl Personalizer {
    /// Whether every outcome of the batch is final as it stands, whatever other leases do.
    pub(super) async fn is_decided(&self, attempt: &Attempt) -> Result<bool> {
        Ok(!attempt.is_contended() && self.first_undecided(&attempt.drafts).await?.is_none())
    }

    /// The first draft whose lack of a voucher is not final: another sender, or another message of this batch that will not
    /// keep it or stands behind, holds what it could have had.
    pub(super) async fn first_undecided(&self, drafts: &[Draft]) -> Result<Option<Undecided>> {
        for (index, draft) in drafts.iter().enumerate() {
            let Stage::Ended(End::Refused { pool, contended, .. }) = &draft.stage else { continue };
            if *contended && draft.message.channel != Channel::WebLayer {
                self.check_patience(draft, pool)?;
                return Ok(Some(Undecided { index, waits_for_others: true }));
            }
            if lacks(draft) && self.batch_holds(drafts, index, pool).await? {
                return Ok(Some(Undecided { index, waits_for_others: false }));
            }
        }
        Ok(None)
    }

    /// Web layers do not wait; the others wait for at most one lease time, after which whatever a dead sender held is back.
    fn check_patience(&self, draft: &Draft, pool: &PoolName) -> Result<()> {
        match draft.waiting_since {
            Some(since) if since.elapsed() >= self.lease_time => {
                let error = Error::new(
                    ErrorKind::Contended,
                    format!("another sender holds the last vouchers of pool '{pool}'"),
                );
                Err(error.with_help("try again when the other sender has ended"))
            }
            _ => Ok(()),
        }
    }

    async fn batch_holds(&self, drafts: &[Draft], index: usize, pool: &PoolName) -> Result<bool> {
        let held = held_by_others(drafts, index);
        if held.is_empty() || held.contains(pool) {
            return Ok(!held.is_empty());
        }
        Ok(!self.overflow_chain(pool).await?.is_disjoint(&held))
    }

    pub(super) async fn overflow_chain(&self, pool: &PoolName) -> Result<BTreeSet<PoolName>> {
        let mut chain = BTreeSet::new();
        let mut next = Some(pool.clone());
        while let Some(name) = next.take().filter(|name| !chain.contains(name)) {
            next = self.lookup.pool(&name).await?.and_then(|status| status.settings.overflow);
            chain.insert(name);
        }
        Ok(chain)
    }
}

/// The pools of which messages of the batch hold something that the message at `index` could have had: those named and those
/// that gave it, for messages that stand behind it or will not keep what they hold.
fn held_by_others(drafts: &[Draft], index: usize) -> BTreeSet<PoolName> {
    let mut held = BTreeSet::new();
    for (other, draft) in drafts.iter().enumerate() {
        if other > index || other != index && matches!(draft.stage, Stage::Ended(_)) {
            held.extend(draft.reserved().flat_map(pools_of));
        }
    }
    held
}

pub(super) fn pools_of((named, _, binding): (&PoolName, Width, &Binding)) -> [PoolName; 2] {
    [named.clone(), binding.from.clone()]
}

/// Whether it lacks what another lease holds.
pub(super) fn is_contended(draft: &Draft) -> bool {
    matches!(draft.stage, Stage::Ended(End::Refused { contended: true, .. }))
}

pub(super) fn refused_by(draft: &Draft) -> Option<&PoolName> {
    let Stage::Ended(End::Refused { pool, .. }) = &draft.stage else { return None };
    Some(pool)
}

/// Whether it goes without only because others were served before it.
pub(super) fn lacks(draft: &Draft) -> bool {
    let Stage::Ended(End::Refused { refusal, .. }) = &draft.stage else { return false };
    matches!(refusal, Refusal::PoolEmpty | Refusal::LimitReached)
}

/// The first draft that ended because a pool is empty or paused.
pub(super) fn first_empty(drafts: &[Draft]) -> Option<(usize, PoolName)> {
    drafts.iter().enumerate().find_map(|(index, draft)| match &draft.stage {
        Stage::Ended(End::Refused { pool, refusal: Refusal::PoolEmpty | Refusal::PoolPaused, .. }) => {
            Some((index, pool.clone()))
        }
        _ => None,
    })
}
