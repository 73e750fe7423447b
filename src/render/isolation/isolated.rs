//! A template that only children ever compile.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::batch::{Answered, Batch};
use super::wire::{Facts, Outcome, Pass, TemplateSource, Text, Vouchers};
use super::{CRASHED, Isolation, blame};
use crate::error::Result;
use crate::render::known::previewed;
use crate::render::session::Used;
use crate::render::{Failure, Known, Message, PoolMention, Rendered, Rendering, Suspension, TemplateError, parts};
use crate::voucher::{Catalogue, Channel, Claim, PoolName, Width};

/// A template, known by what a child said of it.
pub(in crate::render) struct Isolated {
    pub(super) isolation: Isolation,
    pub(super) number: u64,
    pub(super) key: blame::Key,
    /// The ask to compile it, for children that do not have it yet.
    pub(super) compile: Vec<u8>,
    pub(super) source: TemplateSource,
    pub(super) facts: Facts,
}

impl Isolated {
    pub(in crate::render) fn name(&self) -> &str {
        &self.source.name
    }

    pub(in crate::render) fn channel(&self) -> Channel {
        self.source.channel
    }

    pub(in crate::render) fn fingerprint(&self) -> &str {
        &self.facts.fingerprint
    }

    pub(in crate::render) fn mentions(&self) -> &[PoolMention] {
        &self.facts.mentions
    }

    pub(in crate::render) fn printed(&self) -> &BTreeSet<String> {
        &self.facts.printed
    }

    /// Renders messages one after the other in a child, and in another one after each that a child died of.
    pub(in crate::render) fn render(&self, messages: Vec<(&Arc<Message>, &Arc<Known>)>) -> Vec<Rendering> {
        let passes = messages.iter().map(|(message, known)| Pass::new(message, Vouchers::Known(Arc::clone(known))));
        let given = Batch::new(self, passes).answers().into_iter().zip(messages);
        given
            .map(|(answer, (message, known))| {
                answer.map_or_else(failed, |(outcome, _)| believed(outcome, message, known))
            })
            .collect()
    }

    /// Renders a message, and says which attributes it looked for and did not find.
    pub(in crate::render) fn examine(
        &self,
        message: &Arc<Message>,
        known: &Arc<Known>,
    ) -> (Rendering, BTreeSet<String>) {
        match self.answer(Pass::new(message, Vouchers::Examined(Arc::clone(known)))) {
            Ok((outcome, missing)) => (believed(outcome, message, known), missing),
            Err(message) => (failed(message), BTreeSet::new()),
        }
    }

    pub(in crate::render) fn preview(
        &self,
        message: &Arc<Message>,
        catalogue: &Arc<Catalogue>,
    ) -> Result<Rendered, Failure> {
        match self.answer(Pass::new(message, Vouchers::Previewed(Arc::clone(catalogue)))) {
            Ok((Outcome::Complete { parts, vouchers }, _)) => {
                let previewed = previewed(catalogue, message.instant, vouchers);
                complete(parts, previewed.collect()).ok_or_else(|| failure(CRASHED.to_owned()))
            }
            Ok((Outcome::Failed(failure), _)) => Err(failure),
            Ok(_) => Err(failure(CRASHED.to_owned())),
            Err(message) => Err(failure(message)),
        }
    }

    fn answer(&self, pass: Pass) -> Answered {
        Batch::new(self, [pass].into_iter()).answers().pop().unwrap_or_else(|| Err(CRASHED.to_owned()))
    }
}

/// What a child says, with the parent's own vouchers and claims.
fn believed(outcome: Outcome, message: &Message, known: &Known) -> Rendering {
    match outcome {
        Outcome::Complete { parts, vouchers } => {
            let used = vouchers.into_iter().map(|(pool, width)| known.used(pool, width)).collect::<Option<_>>();
            let complete = used.and_then(|used| complete(parts, used));
            complete.map_or_else(|| failed(CRASHED.to_owned()), Rendering::Complete)
        }
        Outcome::Failed(failure) => Rendering::Failed(failure),
        Outcome::WaitsForClaim(pool, width) => claim(pool, width, message),
        Outcome::WaitsForCount(pool) => Rendering::Suspended(Suspension::Count(pool)),
        Outcome::WaitsForCustomerVouchers => Rendering::Suspended(Suspension::CustomerVouchers),
    }
}

fn claim(pool: PoolName, width: Width, message: &Message) -> Rendering {
    match message.identity() {
        Some(identity) => Rendering::Suspended(Suspension::Claim(Claim { pool, width, message: Arc::clone(identity) })),
        None => failed(CRASHED.to_owned()),
    }
}

fn complete(texts: Vec<Text>, vouchers: Vec<Used>) -> Option<Rendered> {
    let parts = texts.into_iter().map(|text| Some((parts::known(&text.name)?, text.text))).collect::<Option<_>>()?;
    Some(Rendered { parts, vouchers })
}

fn failed(message: String) -> Rendering {
    Rendering::Failed(failure(message))
}

fn failure(message: String) -> Failure {
    Failure::Template(TemplateError { message, place: None })
}
