//! The names of the steps, for the traces.

use crate::configurations::{CODES, Operation, POOL_NAMES};
use crate::model::Model;
use crate::state::{End, Kept, Shown, Then};
use crate::store::{Answer, Choice, Code, Event, Lease, Verdict};

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Ask { worker: u8, pool: u8, answer: Answer },
    Settle { worker: u8, pool: u8, verdict: Verdict },
    FailToRender { worker: u8 },
    GiveBack { worker: u8, pool: u8, then: Then },
    Deliver { worker: u8, shown: Shown },
    Crash { worker: u8 },
    Sweep { pool: u8, lease: Lease, living: bool },
    SettleArrives { pool: u8, lease: Lease, kept: Kept },
    ReserveArrives { pool: u8, lease: Lease, answer: Answer },
    Import { pool: u8, code: Code },
    Operate(Operation),
    Look { till: Event, code: Code },
    Use { till: Event, code: Code, is_used: bool },
    UseArrives { till: Event, code: Code, is_used: bool },
}

impl Step {
    /// A step that comes of itself as long as processes run and clocks tick.
    pub fn is_progress(self) -> bool {
        match self {
            Self::Ask { .. } | Self::Settle { .. } | Self::GiveBack { .. } | Self::Deliver { .. } => true,
            Self::Sweep { living, .. } => !living,
            _ => false,
        }
    }

    pub fn describe(self, model: &Model) -> String {
        let who = |worker: u8| {
            let message = model.configuration.workers[usize::from(worker)];
            let customer = model.configuration.messages[usize::from(message)].customer;
            format!("W{} (M{} for {customer:?})", worker + 1, message + 1)
        };
        let named = |pool: u8| POOL_NAMES[usize::from(pool)];
        match self {
            Self::Ask { worker, pool, answer } => format!("{} asks {}: {}", who(worker), named(pool), answered(answer)),
            Self::Settle { worker, pool, verdict } => {
                format!("{} settles {}: {}", who(worker), named(pool), format!("{verdict:?}").to_lowercase())
            }
            Self::FailToRender { worker } => format!("{} fails to render", who(worker)),
            Self::GiveBack { worker, pool, then } => {
                format!("{} gives back what it reserved in {}, then {}", who(worker), named(pool), after(then))
            }
            Self::Deliver { worker, shown } => {
                format!("{} delivers {}", who(worker), listed(shown.into_iter().flatten()))
            }
            Self::Crash { worker } => format!("{} crashes", who(worker)),
            Self::Sweep { pool, lease, .. } => format!("lease {lease} runs out and is swept in {}", named(pool)),
            Self::SettleArrives { pool, lease, kept } => {
                let kept = listed(kept.into_iter().flatten().map(|(_, choice)| choice));
                format!("a settle of lease {lease} keeping {kept} arrives again in {}", named(pool))
            }
            Self::ReserveArrives { pool, lease, answer } => {
                format!("a reserve of lease {lease} arrives again in {}: {}", named(pool), answered(answer))
            }
            Self::Import { pool, code } => format!("{} is imported into {}", CODES[usize::from(code)], named(pool)),
            Self::Operate(Operation::Release(message)) => format!("the operator releases M{}", message + 1),
            Self::Operate(Operation::ReclaimTest) => "the operator reclaims test codes".to_owned(),
            Self::Operate(Operation::Void(message)) => format!("the operator ends what M{} has", message + 1),
            Self::Operate(Operation::RollBack(till)) => format!("the use at till {} is taken back", till + 1),
            Self::Look { till, code } => format!("till {} finds {} unused", till + 1, CODES[usize::from(code)]),
            Self::Use { till, code, is_used } => {
                format!("{} at till {}: {}", CODES[usize::from(code)], till + 1, used(is_used))
            }
            Self::UseArrives { till, code, is_used } => {
                format!(
                    "the call for {} at till {} arrives again: {}",
                    CODES[usize::from(code)],
                    till + 1,
                    used(is_used)
                )
            }
        }
    }
}

fn used(is_used: bool) -> &'static str {
    if is_used { "used" } else { "refused" }
}

fn answered(answer: Answer) -> String {
    match answer {
        Answer::Bound { choice, found: true } => format!("{}, bound already", chosen(choice)),
        Answer::Bound { choice, found: false } => chosen(choice),
        Answer::Contended => "contended".to_owned(),
        Answer::Empty => "empty".to_owned(),
        Answer::Retired => "released".to_owned(),
    }
}

fn chosen(choice: Choice) -> String {
    match choice {
        Choice::Code(code) => CODES[usize::from(code)].to_string(),
        Choice::Overflow => "overflow".to_owned(),
        Choice::Fallback => "the fallback code".to_owned(),
    }
}

fn listed(choices: impl Iterator<Item = Choice>) -> String {
    let choices: Vec<String> = choices.map(chosen).collect();
    if choices.is_empty() { "nothing".to_owned() } else { choices.join(" and ") }
}

fn after(then: Then) -> &'static str {
    match then {
        Then::AskAgain => "asks again",
        Then::RenderAnew => "renders anew",
        Then::End(End::Empty) => "ends as pool_empty",
        Then::End(End::RenderFailed) => "ends as template_error",
        Then::End(_) => "ends",
    }
}
