//! The rules, clause by clause. A clause can be switched off to see what it is there for.

use std::fmt;

/// What a rule demands. Most rules are one clause; some are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    OneTag,
    FreshLease,
    SettleCompares,
    KeptIsComplete,
    CommitBeforeDelivery,
    AssignedIsFinal,
    AllOrNothing,
    EmptyIsExact,
    ContendedGivesBack,
    ModesDoNotMix,
    ChoiceIsBound,
    CodeBeforeChoice,
    EmptyFollowsFreshChoice,
    ReleaseRetires,
    RetiredCannotSettle,
    ReleaseSparesWiderKeys,
    UseIsOneStep,
    EventIsRemembered,
    UsedStays,
    VoidCannotSettle,
}

impl Clause {
    pub const EACH: [Self; 20] = [
        Self::OneTag,
        Self::FreshLease,
        Self::SettleCompares,
        Self::KeptIsComplete,
        Self::CommitBeforeDelivery,
        Self::AssignedIsFinal,
        Self::AllOrNothing,
        Self::EmptyIsExact,
        Self::ContendedGivesBack,
        Self::ModesDoNotMix,
        Self::ChoiceIsBound,
        Self::CodeBeforeChoice,
        Self::EmptyFollowsFreshChoice,
        Self::ReleaseRetires,
        Self::RetiredCannotSettle,
        Self::ReleaseSparesWiderKeys,
        Self::UseIsOneStep,
        Self::EventIsRemembered,
        Self::UsedStays,
        Self::VoidCannotSettle,
    ];

    /// The rule's number, the clause in words, and what a store or sender does that ignores it.
    pub fn reading(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::OneTag => (1, "who touches a reserved binding re-tags it", "the first lease's tag stays"),
            Self::FreshLease => (1, "a lease id is new for each attempt", "a worker keeps one lease id"),
            Self::SettleCompares => (2, "accepted only if each pair equals the binding", "a living lease is enough"),
            Self::KeptIsComplete => (2, "kept lists what was found bound, too", "kept lists only new reservations"),
            Self::CommitBeforeDelivery => (3, "no outcome leaves before it is accepted", "delivered, then settled"),
            Self::AssignedIsFinal => (4, "what one pool accepted stays", "taken back when another pool refuses"),
            Self::AllOrNothing => (5, "a failed message gives back its reservations", "it just ends"),
            Self::EmptyIsExact => (6, "empty only when no other lease reserves there", "no stock is final at once"),
            Self::ContendedGivesBack => (6, "a contended message gives back, then asks again", "it holds on and asks"),
            Self::ModesDoNotMix => (7, "test and live have keys of their own", "one key for both modes"),
            Self::ChoiceIsBound => (8, "overflow or fallback is bound under the claim's key", "chosen anew each time"),
            Self::CodeBeforeChoice => {
                (8, "the overflow pool settles before the choice does", "the choice settles first")
            }
            Self::EmptyFollowsFreshChoice => {
                (8, "an empty overflow pool is final only under a choice just made", "an old choice will do")
            }
            Self::ReleaseRetires => (9, "a release by hand retires the message id", "the codes go back, no more"),
            Self::RetiredCannotSettle => (9, "a retired id is refused by settle, too", "by reserve only"),
            Self::ReleaseSparesWiderKeys => (9, "a release by hand leaves wider keys alone", "it frees every key"),
            Self::UseIsOneStep => (10, "a use looks and marks in one step", "it looks, then marks"),
            Self::EventIsRemembered => (10, "an event has one answer for good", "each call is judged anew"),
            Self::UsedStays => (11, "what was used never goes back", "a release by hand frees it"),
            Self::VoidCannotSettle => (11, "what was ended by hand is refused by settle", "a binding is a binding"),
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, demand, without) = self.reading();
        write!(f, "rule {rule}: {demand} (off: {without})")
    }
}

/// The protocol as it is followed: every clause, or every clause but one.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    off: Option<Clause>,
}

impl Rules {
    pub const ALL: Self = Self { off: None };

    pub fn without(clause: Clause) -> Self {
        Self { off: Some(clause) }
    }

    pub fn hold(self, clause: Clause) -> bool {
        self.off != Some(clause)
    }
}
