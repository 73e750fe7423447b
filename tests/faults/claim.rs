//! A claim without a sender around it.

use std::sync::Arc;

use tearoff::voucher::{Channel, Claim, CustomerId, MessageId, MessageIdentity, Mode, PoolName, Width};

/// The claim of a message on a code of `spring`.
pub(crate) fn claim(message: &str, customer: &str) -> Claim {
    let message = MessageIdentity {
        message_id: MessageId::new(message).unwrap(),
        customer_id: CustomerId::new(customer).unwrap(),
        campaign_id: None,
        channel: Channel::Sms,
        mode: Mode::Live,
    };
    Claim { pool: PoolName::new("spring").unwrap(), width: Width::Message, message: Arc::new(message) }
}
