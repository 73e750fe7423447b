//! By what the numbers are told apart.

use prometheus_client::encoding::EncodeLabelSet;

use crate::campaign::{Outcome, Reason};
use crate::render::Purpose;
use crate::voucher::{Claimed, PoolStatus};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    channel: &'static str,
    mode: &'static str,
    status: &'static str,
    reason: &'static str,
}

impl OutcomeLabels {
    pub(super) fn of(outcome: &Outcome) -> OutcomeLabels {
        OutcomeLabels {
            channel: outcome.channel.as_str(),
            mode: mode(outcome.purpose),
            status: outcome.status().as_str(),
            reason: outcome.shortfall().map(|shortfall| shortfall.reason.as_str()).unwrap_or_default(),
        }
    }
}

fn mode(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Live => "live",
        Purpose::Test => "test",
        Purpose::Preview => "preview",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AnswerLabels {
    answer: &'static str,
}

impl AnswerLabels {
    pub(super) fn of(answer: &Claimed) -> AnswerLabels {
        let answer = match answer {
            Claimed::Bound(_) => "bound",
            Claimed::Refused(refusal) => Reason::from(*refusal).as_str(),
            Claimed::Contended(_) => "contended",
            Claimed::Rejected(_) => "rejected",
        };
        AnswerLabels { answer }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PoolLabels {
    pool: String,
    state: &'static str,
}

impl PoolLabels {
    /// How many vouchers a pool has in each state.
    pub(super) fn counts_of(status: &PoolStatus) -> [(PoolLabels, u64); 6] {
        let counts = status.counts;
        [
            ("available", counts.available),
            ("reserved", counts.reserved),
            ("assigned", counts.assigned),
            ("redeemed", counts.redeemed),
            ("expired", counts.expired),
            ("void", counts.void),
        ]
        .map(|(state, vouchers)| (PoolLabels { pool: status.name.to_string(), state }, vouchers))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    pub(super) call: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RouteLabels {
    pub(super) method: &'static str,
    pub(super) route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BuildLabels {
    pub(super) version: &'static str,
}
