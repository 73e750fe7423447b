//! A message to be looked at.

use std::sync::Arc;

use super::outcome::{Outcome, Personalized};
use super::shortfall::shortfall;
use crate::render::{Message, Rendered, Template};
use crate::voucher::Catalogue;

/// Renders a message with preview codes. There is no way from here to a pool.
pub fn preview(template: &Template, message: &Arc<Message>, pools: &Arc<Catalogue>) -> Outcome {
    let result = match template.preview(message, pools) {
        Ok(Rendered { parts, vouchers }) => Ok(Personalized { parts, vouchers }),
        Err(failure) => Err(shortfall(failure)),
    };
    Outcome::of(message, result)
}
