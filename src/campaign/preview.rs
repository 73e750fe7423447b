//! A message to be looked at.

use std::sync::Arc;

use super::outcome::{Outcome, Personalized, Reason};
use super::personalizer::shortfall;
use crate::render::suggest::did_you_mean;
use crate::render::{Message, Rendered, Template};
use crate::voucher::{Catalogue, PoolName};

/// Renders a message with preview codes. There is no way from here to a pool.
pub fn preview(template: &Template, message: &Arc<Message>, pools: &Arc<Catalogue>) -> Outcome {
    let result = match template.preview(message, pools) {
        Ok(Rendered { parts, vouchers }) => Ok(Personalized { parts, vouchers }),
        Err(failure) => Err(shortfall(failure)),
    };
    let mut outcome = Outcome::of(message, result);
    if let Err(shortfall) = &mut outcome.result
        && let (Reason::UnknownPool, Some(pool)) = (shortfall.reason, &shortfall.pool)
    {
        let hint = did_you_mean(pool.as_str(), pools.keys().map(PoolName::as_str));
        shortfall.message.push_str(&hint);
    }
    outcome
}
