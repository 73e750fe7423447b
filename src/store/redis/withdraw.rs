//! Ending codes that nobody has.

use std::collections::HashSet;

use super::RedisStore;
use super::address::Hash;
use super::reply::{self, strange};
use super::script::WITHDRAW;
use super::stock::{Lot, Walk};
use crate::error::Result;
use crate::voucher::{Code, PoolName};

/// How many codes one call ends at most, unless one blob has more.
const PORTION: usize = 400;

/// Codes that are to be ended, where they lie.
pub(super) struct Withdrawal {
    pub(super) lot: Lot,
    pub(super) codes: Vec<Code>,
}

impl RedisStore {
    /// Ends those of some codes of a pool that are in its stock, expired or not; gives these back.
    pub(super) async fn void_unbound(&self, pool: &PoolName, codes: &HashSet<Code>) -> Result<HashSet<Code>> {
        let mut voided = HashSet::new();
        let mut walk = Walk::new();
        while let Some(lots) = self.step(pool, &mut walk).await? {
            let mut found = Vec::new();
            for lot in lots {
                let meant: Vec<Code> = lot.codes().filter_map(|code| Code::new(code).ok()).collect();
                let meant: Vec<Code> = meant.into_iter().filter(|code| codes.contains(code)).collect();
                if !meant.is_empty() {
                    found.push(Withdrawal { lot, codes: meant });
                }
            }
            voided.extend(self.withdraw(pool, &found, false).await?);
            if voided.len() == codes.len() {
                break;
            }
        }
        Ok(voided)
    }

    /// Ends codes that still lie where they were seen, all of them or those that are still valid; gives these back.
    pub(super) async fn withdraw(
        &self,
        pool: &PoolName,
        withdrawals: &[Withdrawal],
        valid_only: bool,
    ) -> Result<Vec<Code>> {
        let mut ended = Vec::new();
        let mut rest = withdrawals;
        while !rest.is_empty() {
            let (portion, others) = rest.split_at(portion(rest));
            rest = others;
            let answer = self.call_pool(pool, &WITHDRAW, true, |space, call| {
                call.push(if valid_only { "1" } else { "0" });
                for Withdrawal { lot, codes } in portion {
                    call.push(lot.place.as_str());
                    call.push(lot.member.as_str());
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
            let codes = portion.iter().flat_map(|withdrawal| &withdrawal.codes);
            ended.extend(codes.zip(letters).filter(|(_, letter)| *letter == b'1').map(|(code, _)| code.clone()));
        }
        Ok(ended)
    }
}

/// How many of these go into one call.
fn portion(withdrawals: &[Withdrawal]) -> usize {
    let mut codes = 0;
    let fits = |withdrawal: &&Withdrawal| {
        codes += withdrawal.codes.len();
        codes <= PORTION
    };
    withdrawals.iter().take_while(fits).count().max(1)
}
