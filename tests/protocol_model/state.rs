//! One instant of the world: what the store holds, where each worker stands, what is under way.

use crate::configurations::{CLAIMS, MESSAGES, POOLS, TILLS, WORKERS};
use crate::properties::Breach;
use crate::set::Set;
use crate::store::{Choice, Claim, Code, Event, Key, Lease, MessageId, Pool};

/// Two claims, each of which may have left one choice in its first pool and another in the overflow pool.
const SEEN: usize = 3;

/// What a message shows, claim by claim.
pub type Shown = [Option<Choice>; CLAIMS];

/// The pairs that a settle names in one pool.
pub type Kept = [Option<(Key, Choice)>; CLAIMS];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub pools: [Pool; POOLS],
    pub workers: [Worker; WORKERS],
    pub late: Option<Packet>,
    pub crashes: u8,
    pub resends: u8,
    pub imports: Set,
    pub operations: Set,
    pub delivered: [Option<Shown>; MESSAGES],
    pub released: Set,
    /// Messages that were told "empty" by an attempt that began after the last import.
    pub told_empty: Set,
    /// What each till is about to mark as used, having looked.
    pub looked: [Option<Code>; TILLS],
    /// What each till was told that it has used, unless that was taken back.
    pub told: [Option<Code>; TILLS],
    /// Tills whose use was taken back.
    pub rolled_back: Set,
    pub breach: Option<Breach>,
}

/// An attempt at one message, and the attempts that follow it in the same process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Worker {
    pub message: MessageId,
    pub phase: Phase,
    pub lease: Lease,
    pub refusals: u8,
    pub seen: [Option<Seen>; SEEN],
    /// Its lease ran out somewhere.
    pub swept: bool,
    /// Its lease never ran out, and nobody touched what it holds after it did.
    pub undisturbed: bool,
    pub began_after_import: bool,
}

/// One answer that the attempt was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub pool: u8,
    pub key: Key,
    pub choice: Choice,
    pub found: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    Asking { claim: u8, pool: u8 },
    Settling { done: Set },
    Delivering,
    GivingBack { done: Set, then: Then },
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    AskAgain,
    RenderAnew,
    End(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Empty,
    RenderFailed,
    Released,
    Delivered,
}

/// A copy of a call that the network still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    pub lease: Lease,
    pub pool: u8,
    pub call: Call,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Reserve(Claim),
    Settle(MessageId, Kept),
    Use(Event, Code),
}

impl Worker {
    pub const IDLE: Self = Self {
        message: 0,
        phase: Phase::Ended,
        lease: 0,
        refusals: 0,
        seen: [None; SEEN],
        swept: false,
        undisturbed: false,
        began_after_import: false,
    };

    /// Nothing about it matters any more, so that states which differ in its past are one.
    pub fn end(&mut self) {
        *self = Self { message: self.message, ..Self::IDLE };
    }

    /// From here on the attempt asks for nothing and settles nothing.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        (self.swept, self.undisturbed, self.began_after_import) = (false, false, false);
    }

    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    pub fn see(&mut self, seen: Seen) {
        *self.seen.iter_mut().find(|slot| slot.is_none()).expect("an attempt sees few things") = Some(seen);
    }

    pub fn answers(&self) -> impl Iterator<Item = Seen> + use<> {
        self.seen.into_iter().flatten()
    }

    pub fn pools(&self) -> Set {
        self.answers().map(|seen| seen.pool).collect()
    }

    pub fn shown(&self) -> Shown {
        let mut shown = Shown::default();
        let choices = self.answers().map(|seen| seen.choice).filter(|&choice| choice != Choice::Overflow);
        shown.iter_mut().zip(choices).for_each(|(slot, choice)| *slot = Some(choice));
        shown
    }
}

impl State {
    pub fn pool(&mut self, pool: u8) -> &mut Pool {
        &mut self.pools[usize::from(pool)]
    }

    pub fn is_living(&self, lease: Lease) -> bool {
        self.workers.iter().any(|worker| worker.lease == lease && !worker.has_ended())
    }

    /// A lease id that nothing in this state knows, which is as good as one never used before.
    pub fn fresh_lease(&self, worker: usize) -> Lease {
        let tags = self.pools.iter().flat_map(Pool::leases);
        let in_use: Set = tags.chain(self.late.map(|packet| packet.lease)).collect();
        (worker as Lease..).step_by(WORKERS).find(|&lease| !in_use.has(lease)).expect("few leases are in use")
    }

    /// Every worker has ended, and what they left behind is swept.
    pub fn is_over(&self) -> bool {
        self.workers.iter().all(Worker::has_ended) && self.pools.iter().all(|pool| pool.leases().next().is_none())
    }
}
