//! Why a message cannot be personalised, in the words of an outcome.

use super::outcome::{Outcome, Reason, Shortfall};
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Failure, Message};
use crate::voucher::{PoolName, Refusal, Rejection};

impl Outcome {
    /// The outcome of a message whose template does not compile, for the reason given.
    pub fn of_broken_template(message: &Message, error: &Error) -> Outcome {
        // The further lines of the error show the author's text.
        let text = error.to_string().lines().next().unwrap_or_default().to_owned();
        Outcome::of(message, Err(Shortfall { reason: Reason::TemplateError, pool: None, message: text }))
    }

    /// The outcome, for a door with errors of its own.
    ///
    /// # Errors
    /// [`ErrorKind::MessageConflict`] and [`ErrorKind::MessageReleased`], where the message id can never be rendered.
    pub fn accepted(self) -> Result<Outcome> {
        let kind = match self.shortfall().map(|shortfall| shortfall.reason) {
            Some(Reason::MessageConflict) => ErrorKind::MessageConflict,
            Some(Reason::MessageReleased) => ErrorKind::MessageReleased,
            _ => return Ok(self),
        };
        let message = self.result.err().map(|shortfall| shortfall.message);
        Err(Error::new(kind, message.unwrap_or_default()).with_help("give another message id"))
    }
}

/// A failed render, as an outcome tells it.
pub(super) fn shortfall(failure: Failure) -> Shortfall {
    let (reason, pool, message) = match failure {
        Failure::Template(error) => (Reason::TemplateError, None, error.to_string()),
        Failure::OutputTooLarge(error) => (Reason::OutputTooLarge, None, error.to_string()),
        Failure::Aborted(reason) => {
            (Reason::Aborted, None, reason.unwrap_or_else(|| "the template aborted".to_owned()))
        }
        Failure::UnknownPool(pool, error) => (Reason::UnknownPool, Some(pool), error.to_string()),
    };
    Shortfall { reason, pool, message }
}

/// A claim that got nothing, as an outcome tells it.
pub(super) fn refused(pool: PoolName, refusal: Refusal) -> Shortfall {
    let message = match refusal {
        Refusal::PoolEmpty => format!("pool '{pool}' has no available voucher"),
        Refusal::PoolPaused => format!("pool '{pool}' is paused"),
        Refusal::LimitReached => format!("a limit of pool '{pool}' is reached"),
        Refusal::UnknownPool => format!("there is no pool '{pool}'"),
    };
    Shortfall { reason: refusal.into(), pool: Some(pool), message }
}

/// A message for which the rule of a pool says no, as an outcome tells it.
pub(super) fn not_eligible(pool: PoolName) -> Shortfall {
    let message = format!("the customer is not eligible for pool '{pool}'");
    Shortfall { reason: Reason::NotEligible, pool: Some(pool), message }
}

/// A message for which the rule of a pool cannot be judged, as an outcome tells it.
pub(super) fn broken_rule(pool: PoolName, message: String) -> Shortfall {
    Shortfall { reason: Reason::TemplateError, pool: Some(pool), message }
}

/// A message that may not claim, as an outcome tells it.
pub(super) fn rejected(rejection: Rejection) -> Shortfall {
    let (reason, message) = match rejection {
        Rejection::Conflict => (Reason::MessageConflict, "the message id belongs to another customer or mode"),
        Rejection::Released => (Reason::MessageReleased, "the message id was released and is retired"),
    };
    Shortfall { reason, pool: None, message: message.to_owned() }
}
