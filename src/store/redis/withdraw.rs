//! Ending codes that nobody has.

use std::collections::HashSet;

use super::RedisStore;
use super::address::Hash;
use super::reply::{self, strange};
use super::script::WITHDRAW;
use super::stock::{Pick, Walk};
use crate::error::Result;
use crate::voucher::{Code, ImportId, PoolName};

/// How many codes one call ends at most, unless one blob has more.
const PORTION: usize = 400;

impl RedisStore {
    /// Ends those of some codes of a pool that are in its stock, expired or not; gives these back.
    pub(super) async fn void_unbound(&self, pool: &PoolName, codes: &HashSet<Code>) -> Result<HashSet<Code>> {
        let mut voided = HashSet::new();
        let mut walk = Walk::new();
        while let Some(lots) = self.step(pool, &mut walk).await? {
            let mut found = Vec::new();
            for lot in lots {
                let meant: Vec<Code> = lot.codes()?.into_iter().filter(|code| codes.contains(code)).collect();
                if !meant.is_empty() {
                    found.push(Pick { lot, codes: meant });
                }
            }
            voided.extend(self.withdraw(pool, &found, None).await?);
            if voided.len() == codes.len() {
                break;
            }
        }
        Ok(voided)
    }

    /// Ends codes that still lie where they were seen; gives these back. Where an import is undone, those that are still valid.
    pub(super) async fn withdraw(
        &self,
        pool: &PoolName,
        picks: &[Pick],
        undone: Option<&ImportId>,
    ) -> Result<Vec<Code>> {
        let mut ended = Vec::new();
        let mut rest = picks;
        while !rest.is_empty() {
            let (portion, others) = rest.split_at(portion(rest));
            rest = others;
            let answer = self.call_pool(pool, &WITHDRAW, true, |space, call| {
                call.push(if undone.is_some() { "1" } else { "0" });
                call.push(undone.map(ImportId::as_str).unwrap_or_default());
                for Pick { lot, codes } in portion {
                    lot.push(call);
                    call.push_number(codes.len());
                    for code in codes {
                        let hash = Hash::of_code(code);
                        let place = space.codes_place(call, hash);
                        call.push_number(place);
                        call.push(hash.head::<8>());
                        call.push(code.as_str());
                    }
                }
            });
            let Some(answer) = answer.await? else { break };
            let letters = reply::bytes(answer.into_iter().next().ok_or_else(strange)?)?;
            let codes = portion.iter().flat_map(|pick| &pick.codes);
            ended.extend(codes.zip(letters).filter(|(_, letter)| *letter == b'1').map(|(code, _)| code.clone()));
        }
        Ok(ended)
    }
}

/// How many of these go into one call.
fn portion(picks: &[Pick]) -> usize {
    let mut codes = 0;
    let fits = |pick: &&Pick| {
        codes += pick.codes.len();
        codes <= PORTION
    };
    picks.iter().take_while(fits).count().max(1)
}
