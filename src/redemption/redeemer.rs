//! The judgement, and the step that uses a voucher.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::rules::{Rules, Verdict};
use super::{Purchase, Wish};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{
    Code, EventId, Lookup, PoolName, Redemption, RedemptionResult, Redemptions, State, VoucherRecord,
};

/// How often a voucher may change hands between the judgement and its use before somebody has to ask again.
const ATTEMPTS: usize = 5;

/// How many vouchers are looked up at the same time.
const LOOKUPS: usize = 16;

/// Uses vouchers where the rules of their pools allow it. It may be shared by any number of tasks.
#[derive(Clone)]
pub struct Redeemer {
    lookup: Arc<dyn Lookup>,
    redemptions: Arc<dyn Redemptions>,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What became of it.
    pub result: RedemptionResult,
    /// Why the rules do not pass, where they were judged just now. It names attributes and no values.
    pub detail: Option<String>,
}

/// Whether a voucher could be used at this moment. Its JSON is that of `voucher validate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// Why not, if not.
    pub reason: Option<RedemptionResult>,
    /// Why the rules do not pass. It names attributes and no values.
    pub detail: Option<String>,
}

impl Redeemer {
    /// Looks vouchers up in one store, and uses them there.
    pub fn new(lookup: Arc<dyn Lookup>, redemptions: Arc<dyn Redemptions>) -> Redeemer {
        Redeemer { lookup, redemptions }
    }

    /// Uses vouchers, each by itself; the answers stand in the order of `wishes`. An event that asked for a code before gets the
    /// answer it got then, whatever the rules say by now.
    ///
    /// # Errors
    /// Those of the store; [`ErrorKind::Contended`] where a voucher kept changing hands; [`ErrorKind::InvalidInput`] where a
    /// pool's rule does not compile. Asked again, those that have their answer get the same.
    pub async fn redeem(&self, wishes: &[Wish]) -> Result<Vec<Answer>> {
        let mut answers = self.remembered(wishes).await?;
        for _ in 0..ATTEMPTS {
            let open: Vec<usize> = (0..wishes.len()).filter(|index| answers[*index].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let asked: Vec<&Wish> = open.iter().map(|index| &wishes[*index]).collect();
            for (index, answer) in open.into_iter().zip(self.attempt(&asked).await?) {
                answers[index] = answer;
            }
        }
        let contended = || Error::new(ErrorKind::Contended, "a voucher keeps changing hands").with_help("ask again");
        answers.into_iter().map(|answer| answer.ok_or_else(contended)).collect()
    }

    /// Says whether a voucher could be used, and changes nothing.
    ///
    /// # Errors
    /// As for [`Redeemer::redeem`].
    pub async fn validate(&self, code: &Code, purchase: &Purchase) -> Result<Validity> {
        let Some(voucher) = self.lookup.voucher(code).await? else {
            return Ok(Validity { reason: Some(RedemptionResult::Unknown), detail: None });
        };
        let reason = match voucher.state {
            State::Assigned => None,
            State::Redeemed => Some(RedemptionResult::AlreadyRedeemed),
            State::Void => Some(RedemptionResult::Void),
            State::Expired => Some(RedemptionResult::Expired),
            State::Available | State::Reserved => Some(RedemptionResult::NotAssigned),
        };
        if reason.is_some() {
            return Ok(Validity { reason, detail: None });
        }
        Ok(match self.rules(&voucher.pool).await?.judge(&voucher, purchase) {
            Verdict::Passes { .. } => Validity { reason: None, detail: None },
            Verdict::Fails(detail) => Validity { reason: Some(RedemptionResult::RuleFailed), detail: Some(detail) },
        })
    }

    async fn remembered(&self, wishes: &[Wish]) -> Result<Vec<Option<Answer>>> {
        let asked: Vec<(Code, EventId)> =
            wishes.iter().map(|wish| (wish.code.clone(), wish.event_id.clone())).collect();
        let known = self.redemptions.redemptions(&asked).await?;
        Ok(known.into_iter().map(|result| result.map(Answer::from)).collect())
    }

    /// Judges wishes and has the vouchers used; none where the voucher is somebody else's by then.
    async fn attempt(&self, wishes: &[&Wish]) -> Result<Vec<Option<Answer>>> {
        let vouchers = self.vouchers(wishes).await?;
        let rules = self.rules_of(&vouchers).await?;
        let verdicts: Vec<Option<Verdict>> = wishes
            .iter()
            .zip(&vouchers)
            .map(|(wish, voucher)| {
                let voucher = voucher.as_ref()?;
                Some(rules.get(&voucher.pool)?.judge(voucher, &wish.purchase))
            })
            .collect();
        let redemptions: Vec<Redemption> = wishes
            .iter()
            .zip(&vouchers)
            .zip(&verdicts)
            .filter_map(|((wish, voucher), verdict)| Some(redemption(wish, voucher.as_ref()?, verdict.as_ref()?)))
            .collect();
        let mut results = self.redemptions.redeem(&redemptions).await?.into_iter();
        Ok(verdicts
            .into_iter()
            .map(|verdict| match verdict {
                None => Some(Answer::from(RedemptionResult::Unknown)),
                Some(verdict) => results.next().and_then(|result| Answer::after(result, verdict)),
            })
            .collect())
    }

    /// The voucher of each wish. Most codes of tracked events may be those of others, so they are sorted out all at once.
    async fn vouchers(&self, wishes: &[&Wish]) -> Result<Vec<Option<VoucherRecord>>> {
        let codes: Vec<Code> = wishes.iter().map(|wish| wish.code.clone()).collect();
        let pools = self.lookup.pools_of(&codes).await?;
        let look_up = |(code, pool): (Code, Option<PoolName>)| async move {
            match pool {
                Some(_) => self.lookup.voucher(&code).await,
                None => Ok(None),
            }
        };
        stream::iter(codes.into_iter().zip(pools)).map(look_up).buffered(LOOKUPS).try_collect().await
    }

    async fn rules_of(&self, vouchers: &[Option<VoucherRecord>]) -> Result<HashMap<PoolName, Rules>> {
        let mut rules = HashMap::new();
        for voucher in vouchers.iter().flatten() {
            if !rules.contains_key(&voucher.pool) {
                rules.insert(voucher.pool.clone(), self.rules(&voucher.pool).await?);
            }
        }
        Ok(rules)
    }

    /// The rules of a pool as they are now. One that was deleted meanwhile has none, and its vouchers are unknown.
    async fn rules(&self, pool: &PoolName) -> Result<Rules> {
        let status = self.lookup.pool(pool).await?;
        Rules::new(pool, &status.map(|status| status.settings.redemption).unwrap_or_default())
    }
}

fn redemption(wish: &Wish, voucher: &VoucherRecord, verdict: &Verdict) -> Redemption {
    Redemption {
        code: wish.code.clone(),
        event_id: wish.event_id.clone(),
        customer_id: wish.purchase.customer_id.clone(),
        at: wish.at,
        holder: voucher.customer_id.clone(),
        passes: matches!(verdict, Verdict::Passes { .. }),
        flagged: matches!(verdict, Verdict::Passes { flagged: true }),
    }
}

impl Answer {
    /// The answer of the store to a wish that was judged so.
    fn after(result: RedemptionResult, verdict: Verdict) -> Option<Answer> {
        let detail = match (result, verdict) {
            (RedemptionResult::Moved, _) => return None,
            (RedemptionResult::RuleFailed, Verdict::Fails(detail)) => Some(detail),
            _ => None,
        };
        Some(Answer { result, detail })
    }
}

impl From<RedemptionResult> for Answer {
    fn from(result: RedemptionResult) -> Answer {
        Answer { result, detail: None }
    }
}

impl Validity {
    /// Whether it could be used.
    pub fn is_valid(&self) -> bool {
        self.reason.is_none()
    }
}

impl Serialize for Validity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_struct("Validity", 2)?;
        form.serialize_field("valid", &self.is_valid())?;
        form.serialize_field("reason", &self.reason)?;
        form.end()
    }
}

impl fmt::Debug for Redeemer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redeemer").finish_non_exhaustive()
    }
}
