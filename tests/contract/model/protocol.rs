//! The protocol and its pools in memory, without a lease's own clock, an expiry or a file.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::take;
use std::sync::Arc;

use tearoff::voucher::*;

/// The first overflows into the second.
pub(super) const POOLS: [&str; 2] = ["spring", "summer"];
pub(super) const FALLBACK: &str = "FALLBACK";

/// What the model knows of a binding.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) code: Code,
    /// The pool whose voucher it is; none for the fallback code.
    pub(super) from: Option<usize>,
    pub(super) lease: Option<LeaseId>,
    pub(super) message: Arc<MessageIdentity>,
    pub(super) width: Width,
    pub(super) is_redeemed: bool,
}

/// The protocol, in memory.
#[derive(Default)]
pub(super) struct Model {
    pub(super) time: u32,
    pub(super) settings: [PoolSettings; 2],
    pub(super) stock: [BTreeSet<Code>; 2],
    pub(super) imported: [BTreeSet<Code>; 2],
    pub(super) bindings: BTreeMap<(usize, String), Entry>,
    pub(super) leases: BTreeMap<LeaseId, u32>,
    /// What was ended by hand; nothing is bound to it any more.
    pub(super) voided: [BTreeSet<Code>; 2],
    /// What events were told, and whether their use was taken back.
    told: BTreeMap<(Code, EventId), (RedemptionResult, bool)>,
    messages: BTreeMap<MessageId, Arc<MessageIdentity>>,
    retired: BTreeSet<MessageId>,
}

/// What the store must answer.
#[derive(Debug, PartialEq)]
enum Foretold {
    Is(Claimed),
    /// This code, which was bound before.
    Same(Code),
    /// Any available code of this pool, or the fallback code.
    New(Option<usize>),
}

pub(super) fn index(name: &PoolName) -> usize {
    POOLS.iter().position(|pool| *pool == name.as_str()).unwrap()
}

impl Model {
    /// Half lease times that a lease lives.
    pub(super) const LEASE: u32 = 2;

    fn rejection(&self, message: &MessageIdentity) -> Option<Rejection> {
        if self.retired.contains(&message.message_id) {
            return Some(Rejection::Released);
        }
        let owner = self.messages.get(&message.message_id)?;
        let same = (&owner.customer_id, owner.mode) == (&message.customer_id, message.mode);
        (!same).then_some(Rejection::Conflict)
    }

    pub(super) fn give_back(&mut self, goes: impl Fn(&Entry) -> bool) -> u64 {
        let (gone, stay) = take(&mut self.bindings).into_iter().partition(|(_, entry)| goes(entry));
        self.bindings = stay;
        let gone: BTreeMap<_, Entry> = gone;
        let mut vouchers = 0;
        for entry in gone.into_values() {
            if let Some(pool) = entry.from {
                self.stock[pool].insert(entry.code);
                vouchers += 1;
            }
        }
        vouchers
    }

    pub(super) fn sweep(&mut self) {
        let now = self.time;
        self.leases.retain(|_, end| *end > now);
        let living = self.leases.clone();
        self.give_back(|entry| entry.lease.is_some_and(|lease| !living.contains_key(&lease)));
    }

    fn foretell(&self, lease: LeaseId, claim: &Claim) -> Foretold {
        use Foretold::{Is, New, Same};
        if let Some(rejection) = self.rejection(&claim.message) {
            return Is(Claimed::Rejected(rejection));
        }
        let pool = index(&claim.pool);
        if let Some(entry) = self.bindings.get(&(pool, claim.key().unwrap().as_str().to_owned())) {
            return Same(entry.code.clone());
        }
        if self.settings[pool].paused {
            return Is(Claimed::Refused(Refusal::PoolPaused));
        }
        if let Some(contended) = self.limit(lease, pool, &claim.message) {
            return Is(refuse(Refusal::LimitReached, contended));
        }
        let chain: Vec<_> = (pool..2).filter(|pool| !self.settings[*pool].paused).collect();
        if let Some(from) = chain.iter().find(|pool| !self.stock[**pool].is_empty()) {
            return New(Some(*from));
        }
        if chain.iter().any(|pool| self.settings[*pool].fallback.is_some()) {
            return New(None);
        }
        let held = |entry: &Entry| {
            entry.lease.is_some_and(|holder| holder != lease) && entry.from.is_some_and(|from| chain.contains(&from))
        };
        Is(refuse(Refusal::PoolEmpty, self.bindings.values().any(held)))
    }

    /// Whether a limit is reached, and if so whether it is contended.
    fn limit(&self, lease: LeaseId, pool: usize, message: &MessageIdentity) -> Option<bool> {
        let Limits { total, per_customer, per_period, .. } = self.settings[pool].limits;
        // All that happens, happens on one day.
        let per_period = per_period.map(|limit| limit.vouchers);
        let counting = |customer: Option<&CustomerId>| {
            let of_customer = |entry: &&Entry| customer.is_none_or(|id| entry.message.customer_id == *id);
            let live =
                self.bindings.iter().filter(|((named, _), entry)| *named == pool && entry.message.mode == Mode::Live);
            live.map(|(_, entry)| entry).filter(of_customer).map(|entry| entry.lease).collect::<Vec<_>>()
        };
        let of_customer = counting(Some(&message.customer_id));
        let reached = [(total, counting(None)), (per_customer, of_customer), (per_period, counting(None))]
            .into_iter()
            .filter(|(limit, given)| limit.is_some_and(|limit| given.len() as u64 >= limit))
            .map(|(_, given)| given.into_iter().flatten().any(|holder| holder != lease))
            .collect::<Vec<_>>();
        (!reached.is_empty()).then(|| reached.into_iter().all(|contended| contended))
    }

    /// Compares an answer with what was foretold, and takes it over.
    pub(super) fn take_over(&mut self, lease: LeaseId, claim: &Claim, answer: &Claimed) {
        let pool = index(&claim.pool);
        let key = (pool, claim.key().unwrap().as_str().to_owned());
        match (self.foretell(lease, claim), answer) {
            (Foretold::Is(expected), answer) => assert_eq!(answer, &expected),
            (Foretold::Same(expected), Claimed::Bound(binding)) => {
                assert_eq!(binding.voucher.code.as_str(), expected.as_str());
                let entry = self.bindings.get_mut(&key).unwrap();
                assert_eq!(binding.reserved, entry.lease.is_some());
                entry.lease = entry.lease.and(Some(lease));
            }
            (Foretold::New(from), Claimed::Bound(binding)) => {
                let code = binding.voucher.code.clone();
                match from {
                    Some(from) => assert!(self.stock[from].remove(&code), "the code was not free"),
                    None => assert_eq!(code.as_str(), FALLBACK),
                }
                let (message, width) = (claim.message.clone(), claim.width);
                self.bindings.insert(key, Entry { code, from, lease: Some(lease), message, width, is_redeemed: false });
            }
            (foretold, answer) => panic!("{answer:?} instead of {foretold:?}"),
        }
    }

    /// `committed` are keys that the store assigned for messages which it refused: pools may settle one by one, and what one
    /// of them accepted stays.
    pub(super) fn settle(
        &mut self,
        lease: LeaseId,
        kept: &[Kept],
        committed: &HashSet<(usize, String)>,
    ) -> Vec<Settled> {
        self.sweep();
        let answers = kept.iter().map(|kept| self.keep(kept, committed)).collect();
        self.give_back(|entry| entry.lease == Some(lease));
        self.leases.remove(&lease);
        answers
    }

    fn keep(&mut self, kept: &Kept, committed: &HashSet<(usize, String)>) -> Settled {
        let is_known = self.rejection(&kept.message).is_some();
        let is_refused = is_known || !kept.shown.iter().all(|shown| self.is_as_shown(shown));
        if !is_refused {
            self.messages.entry(kept.message.message_id.clone()).or_insert_with(|| kept.message.clone());
        }
        for shown in &kept.shown {
            let key = (index(&shown.pool), shown.key.as_str().to_owned());
            let whole = kept.shown.iter().filter(|other| other.pool == shown.pool).all(|other| self.is_as_shown(other));
            if !is_refused || (!is_known && whole && committed.contains(&key)) {
                let entry = self.bindings.get_mut(&key).unwrap();
                if entry.lease.take().is_some() {
                    entry.message = kept.message.clone();
                }
            }
        }
        if is_refused { Settled::Refused } else { Settled::Accepted }
    }

    fn is_as_shown(&self, shown: &Shown) -> bool {
        let key = (index(&shown.pool), shown.key.as_str().to_owned());
        self.bindings.get(&key).is_some_and(|entry| entry.code == shown.code)
    }

    pub(super) fn release(&mut self, id: &MessageId) -> Option<ReleasedMessage> {
        let of_message = |entry: &Entry| entry.message.message_id == *id;
        let reserves = self.bindings.values().any(|entry| of_message(entry) && self.is_held(entry));
        if !reserves && !self.messages.contains_key(id) && !self.retired.contains(id) {
            return None;
        }
        self.sweep();
        self.retired.insert(id.clone());
        let is_own = |entry: &Entry| matches!(entry.width, Width::Message | Width::Occurrence(_));
        let own = |entry: &Entry| of_message(entry) && is_own(entry) && !entry.is_redeemed;
        let kept =
            self.bindings.values().filter(|entry| of_message(entry) && !own(entry) && entry.from.is_some()).count();
        Some(ReleasedMessage { released: self.give_back(own), kept: kept as u64 })
    }

    /// The customer whose voucher a code is.
    pub(super) fn holder(&self, code: &Code) -> Option<CustomerId> {
        self.assigned(code).map(|entry| entry.message.customer_id.clone())
    }

    fn assigned(&self, code: &Code) -> Option<&Entry> {
        self.bindings.values().find(|entry| entry.code == *code && entry.from.is_some() && entry.lease.is_none())
    }

    fn set_redeemed(&mut self, code: &Code, is_redeemed: bool) {
        let of_code = self.bindings.values_mut().filter(|entry| entry.code == *code && entry.from.is_some());
        of_code.for_each(|entry| entry.is_redeemed = is_redeemed);
    }

    fn is_imported(&self, code: &Code) -> bool {
        self.imported.iter().any(|pool| pool.contains(code))
    }

    pub(super) fn redeem(&mut self, wish: &Redemption) -> RedemptionResult {
        use RedemptionResult::{AlreadyRedeemed, Moved, NotAssigned, Redeemed, RuleFailed, Unknown, Void};
        let key = (wish.code.clone(), wish.event_id.clone());
        if let Some((told, is_rolled_back)) = self.told.get(&key) {
            return if *is_rolled_back { AlreadyRedeemed } else { *told };
        }
        let answer = match self.assigned(&wish.code) {
            _ if !self.is_imported(&wish.code) => return Unknown,
            _ if self.voided.iter().any(|pool| pool.contains(&wish.code)) => Void,
            None => NotAssigned,
            Some(entry) if entry.is_redeemed => AlreadyRedeemed,
            Some(entry) if wish.holder.as_ref() != Some(&entry.message.customer_id) => return Moved,
            Some(_) if !wish.passes => RuleFailed,
            Some(_) => Redeemed,
        };
        if answer == Redeemed {
            self.set_redeemed(&wish.code, true);
        }
        self.told.insert(key, (answer, false));
        answer
    }

    pub(super) fn roll_back(&mut self, code: &Code, event: &EventId) -> RolledBack {
        if !self.is_imported(code) {
            return RolledBack::Unknown;
        }
        match self.told.get_mut(&(code.clone(), event.clone())) {
            Some((_, true)) => RolledBack::AlreadyRolledBack,
            Some((RedemptionResult::Redeemed, is_rolled_back)) => {
                *is_rolled_back = true;
                self.set_redeemed(code, false);
                RolledBack::RolledBack
            }
            _ => RolledBack::NotRedeemed,
        }
    }

    /// Whether the voucher was taken for a claim on another pool than its own.
    pub(super) fn overflowed(&self, code: &Code) -> bool {
        let is_foreign = |named: usize, entry: &Entry| entry.from.is_some_and(|from| from != named);
        self.bindings.iter().any(|((named, _), entry)| entry.code == *code && is_foreign(*named, entry))
    }

    pub(super) fn void(&mut self, code: &Code) -> Voided {
        let Some(pool) = self.imported.iter().position(|pool| pool.contains(code)) else { return Voided::Unknown };
        if self.assigned(code).is_some_and(|entry| entry.is_redeemed) {
            return Voided::Redeemed;
        }
        if !self.voided[pool].insert(code.clone()) {
            return Voided::AlreadyVoid;
        }
        self.stock[pool].remove(code);
        self.bindings.retain(|_, entry| entry.code != *code || entry.from.is_none());
        Voided::Voided
    }

    pub(super) fn counts(&self, pool: usize) -> PoolCounts {
        let given = || self.bindings.values().filter(|entry| entry.from == Some(pool));
        let reserved = given().filter(|entry| self.is_held(entry)).count() as u64;
        let redeemed = given().filter(|entry| entry.is_redeemed).count() as u64;
        let assigned = given().filter(|entry| entry.lease.is_none()).count() as u64 - redeemed;
        let (total, void) = (self.imported[pool].len() as u64, self.voided[pool].len() as u64);
        let available = total - reserved - assigned - redeemed - void;
        PoolCounts { total, available, reserved, assigned, redeemed, void, expired: 0 }
    }

    pub(super) fn is_held(&self, entry: &Entry) -> bool {
        entry.lease.is_some_and(|lease| self.leases.get(&lease).is_some_and(|end| *end > self.time))
    }
}

fn refuse(refusal: Refusal, is_contended: bool) -> Claimed {
    if is_contended { Claimed::Contended(refusal) } else { Claimed::Refused(refusal) }
}
