//! A template that is ready to be rendered, here or in a child process, and what rendering gives.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::compiled::Compiled;
use super::failure::{Failure, Place};
use super::isolation::Isolated;
use super::session::Used;
use super::{Known, Message};
use crate::voucher::{Catalogue, Channel, Claim, PoolName};

/// A compiled template for one channel.
///
/// Rendering is a pure function of the template, the message and what is known of its vouchers: it makes no call to a store
/// and takes no voucher. Where it needs one that is not known it stops and says so; once that is known, it renders from the
/// start again.
pub struct Template {
    name: String,
    channel: Channel,
    place: Workplace,
}

/// Where a template is compiled and rendered.
enum Workplace {
    Here(Box<Compiled>),
    Elsewhere(Box<Isolated>),
}

use Workplace::{Elsewhere, Here};

/// What rendering a message gives.
#[derive(Debug, Clone)]
pub enum Rendering {
    /// Every part.
    Complete(Rendered),
    /// The message cannot be rendered.
    Failed(Failure),
    /// Something is not known yet.
    Suspended(Suspension),
}

/// A complete message. It holds codes and personal data, so `Debug` does not show it.
#[derive(Clone, PartialEq)]
pub struct Rendered {
    /// The name and text of every part, in the order of its channel.
    pub parts: Vec<(&'static str, String)>,
    /// Every voucher that it shows, in evaluation order.
    pub vouchers: Vec<Used>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.parts.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Rendered").field("parts", &parts).field("vouchers", &self.vouchers.len()).finish()
    }
}

/// What a render waits for.
#[derive(Debug, Clone)]
pub enum Suspension {
    /// The voucher of this claim.
    Claim(Claim),
    /// The counts of this pool.
    Count(PoolName),
    /// The customer's vouchers.
    CustomerVouchers,
}

/// A pool that a template names literally.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PoolMention {
    /// Its name, as written.
    pub name: String,
    /// Where.
    pub place: Place,
}

impl Template {
    pub(super) fn here(name: &str, channel: Channel, compiled: Compiled) -> Template {
        Template { name: name.to_owned(), channel, place: Here(Box::new(compiled)) }
    }

    pub(super) fn elsewhere(isolated: Isolated) -> Template {
        let (name, channel) = (isolated.name().to_owned(), isolated.channel());
        Template { name, channel, place: Elsewhere(Box::new(isolated)) }
    }

    /// The template's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The channel it was compiled for.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// A hash of every source in it, partials that it names literally included: it changes when the template does.
    pub fn fingerprint(&self) -> String {
        match &self.place {
            Here(compiled) => compiled.fingerprint(),
            Elsewhere(isolated) => isolated.fingerprint(),
        }
        .to_owned()
    }

    /// The names of the pools that it names literally, in any branch.
    pub fn pools(&self) -> impl Iterator<Item = String> {
        let names: BTreeSet<String> = self.pool_mentions().into_iter().map(|mention| mention.name).collect();
        names.into_iter()
    }

    /// Every place where it names a pool literally.
    pub fn pool_mentions(&self) -> Vec<PoolMention> {
        match &self.place {
            Here(compiled) => compiled.pool_mentions(),
            Elsewhere(isolated) => isolated.mentions().to_vec(),
        }
    }

    /// Every attribute that it prints without a default, such as `customer.first_name`.
    pub fn printed_attributes(&self) -> BTreeSet<String> {
        match &self.place {
            Here(compiled) => compiled.printed_attributes(),
            Elsewhere(isolated) => isolated.printed().clone(),
        }
    }

    /// Renders a message as far as what is known allows.
    pub fn render(&self, message: &Arc<Message>, known: &Arc<Known>) -> Rendering {
        match &self.place {
            Here(compiled) => compiled.render(message, known),
            Elsewhere(isolated) => isolated.render(vec![(message, known)]).remove(0),
        }
    }

    /// Renders messages as far as what is known of each allows. In a child process, many together are faster than one by one.
    pub fn render_all<'a>(
        &self,
        messages: impl IntoIterator<Item = (&'a Arc<Message>, &'a Arc<Known>)>,
    ) -> Vec<Rendering> {
        match &self.place {
            Here(compiled) => messages.into_iter().map(|(message, known)| compiled.render(message, known)).collect(),
            Elsewhere(isolated) => isolated.render(messages.into_iter().collect()),
        }
    }

    /// Renders a message, except the text that an e-mail gets from its HTML, and says which attributes it looked for and did
    /// not find.
    pub fn examine(&self, message: &Arc<Message>, known: &Arc<Known>) -> (Rendering, BTreeSet<String>) {
        match &self.place {
            Here(compiled) => compiled.examine(message, known),
            Elsewhere(isolated) => isolated.examine(message, known),
        }
    }

    /// Takes the texts of a message back that nobody needs any more: the next ones are written into their memory. Whoever
    /// renders many messages saves time by that, and who does not loses nothing.
    pub fn recycle(&self, texts: Vec<(&'static str, String)>) {
        if let Here(compiled) = &self.place {
            compiled.recycle(texts);
        }
    }

    /// Renders a message to be looked at, with preview codes instead of vouchers.
    ///
    /// # Errors
    /// Why it cannot be rendered.
    pub fn preview(&self, message: &Arc<Message>, catalogue: &Arc<Catalogue>) -> Result<Rendered, Failure> {
        match &self.place {
            Here(compiled) => compiled.preview(message, catalogue),
            Elsewhere(isolated) => isolated.preview(message, catalogue),
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("name", &self.name).field("channel", &self.channel).finish_non_exhaustive()
    }
}
