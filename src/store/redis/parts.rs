//! What a settling call is made of: bindings to be assigned, and the messages that show them.

use jiff::Timestamp;

use super::address::{Anchors, Field, Hash};
use super::campaigns::Campaigns;
use super::messages::Standing;
use super::packed::Packed;
use super::pool_call::Space;
use super::record;
use super::script::Call;
use crate::voucher::{Code, Kept, Lease, MessageIdentity, PoolName, Width};

/// How many messages one call settles at most, and how many codes.
const PORTION: usize = 500;

/// A message that is to be kept, and what its addresses are made of.
pub(super) struct Letter<'a> {
    pub(super) kept: &'a Kept,
    pub(super) message: &'a MessageIdentity,
    /// That of the message's id.
    pub(super) hash: Hash,
    pub(super) anchors: Anchors,
}

impl Letter<'_> {
    pub(super) fn new(kept: &Kept) -> Letter<'_> {
        let message = &*kept.message;
        Letter { kept, message, hash: Hash::of_message(&message.message_id), anchors: Anchors::of(message) }
    }

    /// The message as the registry names it.
    pub(super) fn entry(&self) -> (Hash, Option<Standing>) {
        (self.hash, Some(Standing::of(self.message, false)))
    }
}

/// A binding to be assigned in a pool, for one of the messages that are kept.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) message: usize,
    pub(super) field: Field,
    pub(super) bound: Bound,
}

/// What must be bound for a message to be accepted.
#[derive(Clone)]
pub(super) enum Bound {
    Code(Code),
    /// The choice of this overflow pool, and when what it gave ends.
    Choice(PoolName, Option<Timestamp>),
}

/// Cuts parts, which stand by message, into calls, none of them within a message; at least one call, to end the lease.
pub(super) fn portions<'a>(parts: &'a [&'a Part]) -> Vec<Vec<&'a [&'a Part]>> {
    let mut portions = vec![Vec::new()];
    let mut size = 0;
    for parts in parts.chunk_by(|one, other| one.message == other.message) {
        if size > 0 && size + parts.len() > PORTION {
            portions.push(Vec::new());
            size = 0;
        }
        size += parts.len();
        if let Some(portion) = portions.last_mut() {
            portion.push(parts);
        }
    }
    portions
}

/// Adds the keys and arguments of `settle.lua`.
pub(super) fn fill(
    space: &Space,
    call: &mut Call,
    lease: &Lease,
    letters: &[Letter<'_>],
    messages: &[&[&Part]],
    is_end: bool,
) {
    call.push(lease.id.get().to_be_bytes());
    call.push(if is_end { "1" } else { "0" });
    let campaigns = Campaigns::of(messages.iter().map(|parts| letters[parts[0].message].message.campaign_id.as_ref()));
    campaigns.declare(call);
    let (mut packed, mut hashes) = (Packed::default(), Packed::default());
    for parts in messages {
        let letter = &letters[parts[0].message];
        let ([_, marks], identity) = record::identity(letter.message, Width::Occurrence(1), false);
        packed.number(campaigns.place(letter.message.campaign_id.as_ref()));
        packed.number(space.keys_place(call, letter.anchors.customer.head()));
        packed.fixed(&[marks]);
        packed.number(parts.len());
        packed.text(&identity);
        parts.iter().for_each(|part| part.pack(&mut packed, space, call, &letter.anchors));
        hashes.fixed(&letter.hash.head::<16>());
    }
    call.push(packed);
    call.push(hashes);
}

impl Part {
    /// Adds the part as `settle.lua` takes it.
    fn pack(&self, packed: &mut Packed, space: &Space, call: &mut Call, anchors: &Anchors) {
        packed.number(space.keys_place(call, self.field.anchor()));
        let (place, hash, ends) = match &self.bound {
            Bound::Code(code) => {
                let hash = Hash::of_code(code);
                (space.codes_place(call, hash), hash.head::<8>(), None)
            }
            Bound::Choice(_, ends) => (0, [0; 8], *ends),
        };
        packed.number(place);
        packed.fixed(&self.field.0);
        packed.fixed(&hash);
        packed.moment(ends);
        packed.short(anchors.pointer(self.field).as_ref().map_or(&[], |field| &field.0));
        match &self.bound {
            Bound::Code(code) => packed.text(code.as_str().as_bytes()),
            Bound::Choice(pool, _) => packed.text(format!("\t{pool}").as_bytes()),
        }
    }
}
