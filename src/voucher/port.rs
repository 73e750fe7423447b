//! What a store does for the rest of the program. Batch-first, and split by who needs it.
//!
//! Every operation is atomic. A call whose answer was lost may have run: every operation gives the same answer when it is
//! asked again. Dropping a future never loses a code. An unreachable store is
//! [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable), never an empty pool.

use async_trait::async_trait;

use jiff::Timestamp;

use super::{
    Binding, CampaignId, Catalogue, Claim, Claimed, Code, Count, CustomerId, EventId, Forgotten, ImportId,
    JournalEntry, JournalPosition, JournalSize, Kept, Lease, LimitUse, LowStock, MessageId, NewVoucher, PoolName,
    PoolSettings, PoolStatus, Redemption, RedemptionResult, ReleasedMessage, RolledBack, Settled, Undone, Voided,
    Voucher, VoucherRecord,
};
use crate::error::Result;

/// The render path: everything a message needs while it is rendered.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Answers every claim, in order, and tags what is reserved with `lease`, which is thereby started or renewed.
    ///
    /// For each claim, the first of these that holds:
    /// - the message id is retired, or belongs to another customer or mode: [`Claimed::Rejected`];
    /// - its key is bound to a voucher that is neither expired nor void: that voucher, whatever limits or pauses say. If it
    ///   is only reserved it is re-tagged with `lease`, whoever held it before. An expired or void one is unbound and
    ///   replaced like a new claim; a redeemed one stays;
    /// - the pool is unknown or paused, or a limit is reached: refused, `limit_reached` as contended while another lease
    ///   holds reservations that count for that limit;
    /// - a voucher that has not expired is taken from the pool's stock, those of the earliest expiry first and in random
    ///   order among these; else from the first pool of its overflow chain that has one (paused ones are passed over); else
    ///   the fallback code of the first pool of that chain that has one. The choice is bound under the claim's key in the
    ///   pool that the template names. To a web layer, a pool of the chain has none when no more than its own `floor` are
    ///   available;
    /// - nothing: `pool_empty`, as contended while another lease holds reservations taken from a pool of the chain.
    ///
    /// A binding stops being valid at the earliest of its voucher's expiry, that of the pool that gave it, and that pool's
    /// `valid_for` from now; later settings do not move it. A fallback code is no voucher: it never expires, no count and no
    /// list of vouchers holds it. For a limit, bindings count under the pool that the template names, wherever they come from,
    /// until they expire or are ended by hand, and for good once they are redeemed; a test claim is refused by a limit that live
    /// ones have reached.
    ///
    /// Of the claims of one pool, those earlier in the slice come first. What ran-out leases had reserved goes back before anything is answered. With
    /// no claims, the call renews the lease.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a claim by campaign without one; nothing is done then.
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>>;

    /// Ends `lease`: assigns what complete messages show, and gives back everything else that carries its tag. `kept` names a
    /// message id once.
    ///
    /// A message is accepted only if its id is not retired, nor bound to another customer or mode, and each code it shows is
    /// at this moment bound (reserved under whatever tag, assigned or redeemed) to that very key. Then its bindings are
    /// assigned, those that were only reserved to this message, and its id is bound to its customer and mode. An empty `kept` is a release.
    ///
    /// What ran-out leases had reserved goes back first, that of `lease` itself included. The answer stands in the order of
    /// `kept` and is durable when it arrives. Asked again, it is the same.
    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>>;

    /// A snapshot of each pool, `None` for one that does not exist. Here and in look-ups, what ran-out leases had reserved
    /// counts as available.
    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>>;
}

/// Look-ups. They change nothing.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// What is bound to each claim's key at this moment, without taking or tagging anything. Expired and void vouchers,
    /// and reservations of leases that ran out, count as unbound.
    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>>;

    /// A voucher by its code.
    async fn voucher(&self, code: &Code) -> Result<Option<VoucherRecord>>;

    /// The pool that each code is in, whatever its state; `None` where the project does not have the code.
    async fn pools_of(&self, codes: &[Code]) -> Result<Vec<Option<PoolName>>>;

    /// The vouchers of each customer, oldest first: reserved, assigned, redeemed, and those that expired or were voided
    /// while they were the customer's.
    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>>;

    /// The vouchers of a pool in a fixed order, at most `limit`, from behind the code `after`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool, or `after` is not in it.
    async fn vouchers(&self, pool: &PoolName, after: Option<&Code>, limit: usize) -> Result<Vec<VoucherRecord>>;

    /// Every pool with its settings and counts, by name.
    async fn pools(&self) -> Result<Vec<PoolStatus>>;

    /// One pool with its settings and counts.
    async fn pool(&self, name: &PoolName) -> Result<Option<PoolStatus>>;

    /// How many vouchers count for a pool's limits, reserved ones included: those of one campaign, those of each customer.
    /// `None` if there is no such pool.
    async fn limit_use(
        &self,
        pool: &PoolName,
        campaign: Option<&CampaignId>,
        customers: &[CustomerId],
    ) -> Result<Option<LimitUse>>;

    /// What a preview may know of all pools.
    async fn catalogue(&self) -> Result<Catalogue>;
}

/// Pools and their stock.
#[async_trait]
pub trait Stock: Send + Sync {
    /// Makes a pool.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if it exists;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if its overflow pool does not, or the chain is a circle.
    async fn create_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()>;

    /// Replaces a pool's settings.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool, and as for creating one.
    async fn set_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()>;

    /// Removes a pool with all that is in it. What its name took from other pools stays with the customers who got it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound); [`ErrorKind::Refused`](crate::ErrorKind::Refused) while codes are
    /// reserved, while another pool overflows into it, or, unless `archived`, while codes are assigned or redeemed.
    async fn delete_pool(&self, name: &PoolName, archived: bool) -> Result<()>;

    /// Adds vouchers to a pool as an import of their own: see [`Stock::import_as`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool.
    async fn import(&self, pool: &PoolName, vouchers: &[NewVoucher]) -> Result<Vec<Imported>> {
        self.import_as(pool, &ImportId::generate(), vouchers).await
    }

    /// Adds vouchers to a pool, shuffled, each code once in the project, as a part of an import. The answers stand in the
    /// order of `vouchers`. The journal tells how many were added, if any.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool.
    async fn import_as(&self, pool: &PoolName, import: &ImportId, vouchers: &[NewVoucher]) -> Result<Vec<Imported>>;

    /// Voids what an import brought and is still available. Asked again, it finds nothing more. An import that added nothing
    /// is none.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool, or it has had no such import.
    async fn undo_import(&self, pool: &PoolName, import: &ImportId) -> Result<Undone>;

    /// Tells which of these pools have fallen to a threshold of their `low_stock` since it was told last. What is reserved
    /// counts as not given yet, so that nothing is told of what may come back. Each crossing is told to one caller; what rises
    /// above a threshold by an import, say, can cross it again. Changed thresholds are told anew.
    async fn low_stock(&self, pools: &[PoolName]) -> Result<Vec<LowStock>>;

    /// How many vouchers are best imported by one call, where there are many.
    fn portion(&self) -> usize {
        10_000
    }
}

/// What became of one voucher of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It is available now.
    Added,
    /// The pool has the code already, in whatever state.
    AlreadyInPool,
    /// This other pool of the project has the code.
    InOtherPool(PoolName),
}

/// What support staff do by hand.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Takes back what a message that will never be delivered holds under its own keys (`message`, `occurrence`), whether
    /// reserved or assigned, and retires its id in the same step. Wider keys and redeemed vouchers stay,
    /// also what was made its customer's current voucher. Asked again, it gives back nothing more. Expired and void vouchers are
    /// left as they are.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a message that the store never accepted and that reserves nothing.
    async fn release_message(&self, message: &MessageId) -> Result<ReleasedMessage>;

    /// Takes back every voucher that test messages were assigned and that is not redeemed, expired or void; says how many.
    async fn reclaim_tests(&self) -> Result<u64>;

    /// Erases who got a customer's vouchers, from bindings, messages, redemptions and the journal. The vouchers stay as they
    /// are otherwise, the codes spent; counts and limits of pools and campaigns stay. Their messages count as retired. Asked
    /// again, it finds nothing more.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) while messages for this customer are under way.
    async fn forget(&self, customer: &CustomerId) -> Result<Forgotten>;

    /// Counts everything of a pool anew and compares: a finding for each number that the pool keeps, which is not `ok` where
    /// it is not what was counted.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool.
    async fn reconcile(&self, pool: &PoolName) -> Result<Vec<Finding>>;
}

/// The end of a voucher's life.
#[async_trait]
pub trait Redemptions: Send + Sync {
    /// Uses vouchers, each by itself, those earlier in the slice first.
    ///
    /// For each, the first of these that holds:
    /// - the project has no such code: `Unknown`; nothing is remembered;
    /// - this event asked for this code before: the answer that it got then; `AlreadyRedeemed` if its use was taken back;
    /// - it is used: `AlreadyRedeemed`; ended by hand: `Void`; over at the moment of its use, which is that of the event where
    ///   it says one: `Expired`; assigned to nobody (available, or reserved): `NotAssigned`;
    /// - its customer is not the `holder` that the rules were judged for: `Moved`, and nothing is remembered;
    /// - the rules do not pass: `RuleFailed`;
    /// - it is used now: `Redeemed`.
    ///
    /// Answers other than `Unknown` and `Moved` are remembered as long as the pool lives, under event and code.
    async fn redeem(&self, redemptions: &[Redemption]) -> Result<Vec<RedemptionResult>>;

    /// The answers that events got for codes, where they asked for them.
    async fn redemptions(&self, asked: &[(Code, EventId)]) -> Result<Vec<Option<RedemptionResult>>>;

    /// Takes back the use of a voucher by an event: it is assigned again, or expired if its time is over by now.
    async fn roll_back(&self, code: &Code, event: &EventId) -> Result<RolledBack>;

    /// Ends vouchers by hand, whatever their state: a reserved one is refused to its message when that settles.
    ///
    /// It counts for no limit any more; only a store that keeps pools apart may count one that an overflow pool gave for the
    /// pool that the template names, until its claim is asked again.
    async fn void(&self, codes: &[Code]) -> Result<Vec<Voided>>;
}

/// Assignments outside of messages, each under a message id of its own that stands for the step that assigns.
#[async_trait]
pub trait Assignments: Claims {
    /// The same as [`Claims::reserve`] for claims on one pool, but new vouchers are taken from those only for which `matching`
    /// holds, and from no overflow pool and no fallback code. Existing bindings are served whatever they match.
    async fn reserve_matching(
        &self,
        lease: &Lease,
        claims: &[Claim],
        matching: &(dyn for<'v> Fn(&'v Voucher) -> bool + Send + Sync),
    ) -> Result<Vec<Claimed>>;

    /// Makes what customers were assigned their current vouchers of a pool: what `per='customer'` gives them from now on. One
    /// whose current voucher was taken from the pool later keeps that. A code that is not assigned to its customer (live), or
    /// is over, is passed over. Asked again, it changes nothing.
    async fn make_current(&self, pool: &PoolName, holders: &[(CustomerId, Code)]) -> Result<()>;
}

/// What happened.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Entries of a pool in the order in which they were written, at most `limit`, from behind `after`. Entries that were
    /// trimmed are passed over without a word.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a position that is none of this store's.
    async fn journal(
        &self,
        pool: &PoolName,
        after: Option<&JournalPosition>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>>;

    /// How many vouchers of a pool were given since a moment, less those that came back since.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool.
    async fn given_since(&self, pool: &PoolName, since: Timestamp) -> Result<u64>;

    /// What is known of one voucher's past, oldest first, each entry about this one alone: its import even if the journal does
    /// not go back so far. Empty where the project does not have the code.
    async fn history(&self, code: &Code) -> Result<Vec<JournalEntry>>;

    /// Removes a pool's entries that are older than `before`; says how many. A store may leave some of them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool.
    async fn trim_journal(&self, pool: &PoolName, before: Timestamp) -> Result<u64>;

    /// How large a pool's journal is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such pool.
    async fn journal_size(&self, pool: &PoolName) -> Result<JournalSize>;
}

/// A whole store.
#[async_trait]
pub trait Store: Claims + Lookup + Stock + Desk + Redemptions + Assignments + Journal {
    /// What an operator should know: each finding names a check and whether it passed, with the remedy if not.
    async fn examine(&self) -> Result<Vec<Finding>>;

    /// Whether the store can be used at this moment, as far as that is quick to see however much it holds: what is not `ok` here
    /// is a reason to send nobody to it. What was accepted when the store was opened is `ok`, and so is mere advice.
    async fn readiness(&self) -> Result<Vec<Finding>>;
}

/// One line of `tearoff doctor`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and what to do if it is not as it should be.
    pub detail: String,
}
