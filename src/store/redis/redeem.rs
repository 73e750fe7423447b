//! Using vouchers. What an event got as answer for a code is remembered beside where the code's binding is.

use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::address::Hash;
use super::packed::Packed;
use super::pool_call::Space;
use super::script::{Call, REDEEM, ROLL_BACK};
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Code, CustomerId, EventId, PoolName, Redemption, RedemptionResult, RolledBack};

/// How many vouchers one call uses at most.
const PORTION: usize = 200;

/// The first moment that a record can hold.
const FIRST_MOMENT: Timestamp = Timestamp::constant(0, 1_000_000);

/// A wish to use a voucher, and when the voucher ends by itself.
type Wish<'a> = (&'a Redemption, Option<Timestamp>);

impl RedisStore {
    /// `Redemptions::redeem`.
    pub(super) async fn redeem_all(&self, redemptions: &[Redemption]) -> Result<Vec<RedemptionResult>> {
        let codes: Vec<Code> = redemptions.iter().map(|redemption| redemption.code.clone()).collect();
        let pools = self.by_pool(&codes).await?;
        let answers = try_join_all(pools.iter().map(async |(pool, places)| {
            let wishes: Vec<Wish<'_>> = places.iter().map(|(place, end)| (&redemptions[*place], *end)).collect();
            let mut answers = Vec::with_capacity(wishes.len());
            for portion in wishes.chunks(PORTION) {
                answers.extend(self.redeem_in(pool, portion).await?);
            }
            Ok::<_, crate::Error>(answers)
        }));
        let mut results = vec![RedemptionResult::Unknown; redemptions.len()];
        for (places, answers) in pools.values().zip(answers.await?) {
            places.iter().zip(answers).for_each(|((place, _), answer)| results[*place] = answer);
        }
        Ok(results)
    }

    async fn redeem_in(&self, pool: &PoolName, wishes: &[Wish<'_>]) -> Result<Vec<RedemptionResult>> {
        let codes: Vec<&Code> = wishes.iter().map(|(redemption, _)| &redemption.code).collect();
        loop {
            let gone = || vec![RedemptionResult::Unknown; wishes.len()];
            let Some(anchors) = self.anchors(pool, &codes).await? else { return Ok(gone()) };
            let redeemed = self.call_pool(pool, &REDEEM, true, |space, call| {
                call.keys.push(space.keys.names());
                let mut packed = Packed::default();
                for (wish, anchor) in wishes.iter().zip(&anchors) {
                    pack(*wish, anchor, &mut packed, space, call);
                }
                call.push(packed);
            });
            let Some(redeemed) = redeemed.await? else { return Ok(gone()) };
            let letters = reply::bytes(redeemed.into_iter().next().ok_or_else(reply::strange)?)?;
            if letters.len() == wishes.len() {
                return letters.into_iter().map(result).collect();
            }
        }
    }

    /// `Redemptions::redemptions`.
    pub(super) async fn redemptions_of(&self, asked: &[(Code, EventId)]) -> Result<Vec<Option<RedemptionResult>>> {
        let codes: Vec<Code> = asked.iter().map(|(code, _)| code.clone()).collect();
        let mut results = vec![None; asked.len()];
        for (pool, places) in self.by_pool(&codes).await? {
            for portion in places.chunks(PORTION) {
                let fields: Vec<_> = portion.iter().map(|(place, _)| answer_field(&asked[*place])).collect();
                let known = self.look_up(&pool, &fields).await?.unwrap_or_default();
                for ((place, _), answer) in portion.iter().zip(known) {
                    results[*place] = answer.first().map(|letter| result(*letter)).transpose()?;
                }
            }
        }
        Ok(results)
    }

    /// `Redemptions::roll_back`.
    pub(super) async fn take_back(&self, code: &Code, event: &EventId) -> Result<RolledBack> {
        let Some((pool, _)) = self.by_pool(std::slice::from_ref(code)).await?.pop_first() else {
            return Ok(RolledBack::Unknown);
        };
        let (hash, field) = answer_field(&(code.clone(), event.clone()));
        loop {
            let Some(bound) = self.bound_to(&pool, &[code]).await? else { return Ok(RolledBack::Unknown) };
            let customer = bound.entries[0].as_ref().and_then(|entry| entry.record.customer.as_ref());
            let answer = self.call_pool(&pool, &ROLL_BACK, true, |space, call| {
                call.keys.push(space.keys.names());
                let places = [
                    space.codes_place(call, hash),
                    space.binding_place(call, &bound.anchors[0]),
                    space.customer_place(call, customer),
                ];
                places.iter().for_each(|place| call.push_number(place));
                call.push(hash.head::<8>());
                call.push(field);
                call.push(bound.anchors[0].as_slice());
                call.push(code.as_str());
                call.push(customer.map(CustomerId::as_str).unwrap_or_default());
                call.push(event.as_str());
            });
            let Some(answer) = answer.await? else { return Ok(RolledBack::Unknown) };
            match reply::text(answer.into_iter().next().ok_or_else(reply::strange)?)?.as_str() {
                "R" => return Ok(RolledBack::RolledBack),
                "A" => return Ok(RolledBack::AlreadyRolledBack),
                "N" => return Ok(RolledBack::NotRedeemed),
                _ => {}
            }
        }
    }
}

/// The code whose bucket remembers the answer, and the field there.
fn answer_field((code, event): &(Code, EventId)) -> (Hash, [u8; 16]) {
    let hash = Hash::of_code(code);
    let mut field = [0; 16];
    field[..4].copy_from_slice(&hash.head::<4>());
    field[4..].copy_from_slice(&Hash::of(&format!("{}\n{}", event.as_str(), code.as_str())).head::<12>());
    (hash, field)
}

/// Adds a wish as `redeem.lua` takes it.
fn pack((redemption, own_end): Wish<'_>, anchor: &[u8], packed: &mut Packed, space: &Space, call: &mut Call) {
    let Redemption { code, event_id, customer_id, at, holder, passes, flagged } = redemption;
    let (hash, field) = answer_field(&(code.clone(), event_id.clone()));
    packed.number(space.codes_place(call, hash));
    packed.number(space.binding_place(call, anchor));
    packed.number(space.customer_place(call, holder.as_ref()));
    packed.fixed(&hash.head::<8>());
    packed.fixed(&field);
    packed.moment(own_end);
    packed.moment(at.map(|at| at.max(FIRST_MOMENT)));
    packed.fixed(&[u8::from(*passes) + 2 * u8::from(*flagged)]);
    packed.short(anchor);
    packed.text(code.as_str().as_bytes());
    packed.text(event_id.as_str().as_bytes());
    for customer in [customer_id, holder] {
        packed.text(customer.as_ref().map_or("", CustomerId::as_str).as_bytes());
    }
}

/// What a letter of `redeem.lua` says, or one that is remembered.
fn result(letter: u8) -> Result<RedemptionResult> {
    Ok(match letter {
        b'R' => RedemptionResult::Redeemed,
        b'A' | b'B' => RedemptionResult::AlreadyRedeemed,
        b'E' => RedemptionResult::Expired,
        b'V' => RedemptionResult::Void,
        b'N' => RedemptionResult::NotAssigned,
        b'F' => RedemptionResult::RuleFailed,
        b'M' => RedemptionResult::Moved,
        _ => return Err(reply::strange()),
    })
}
