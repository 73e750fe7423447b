//! What left the senders: the truth about what customers saw.

use std::collections::BTreeSet;
use std::sync::Mutex;

use tearoff::campaign::{Outcome, Status};
use tearoff::voucher::{Code, CustomerId, MessageId, PoolName};

/// A message that went out. The same message may go out again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) message: MessageId,
    pub(crate) customer: CustomerId,
    pub(crate) codes: Vec<(PoolName, Code)>,
}

/// What all senders of a test delivered and told.
#[derive(Default)]
pub(crate) struct Sink {
    deliveries: Mutex<Vec<Delivery>>,
    failures: Mutex<Vec<MessageId>>,
    suppressed: Mutex<BTreeSet<MessageId>>,
    retries: Mutex<usize>,
}

impl Sink {
    /// Takes what a batch came to: delivers messages, tells those that failed in an event, and leaves the others out.
    pub(crate) fn take(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let message = outcome.message_id.clone().unwrap();
            let Ok(personalized) = &outcome.result else {
                match outcome.status() {
                    Status::Suppressed => drop(self.suppressed.lock().unwrap().insert(message)),
                    _ => self.failures.lock().unwrap().push(message),
                }
                continue;
            };
            let codes = personalized.vouchers.iter();
            let codes = codes.map(|used| (used.pool.clone(), used.binding.voucher.code.clone())).collect();
            let customer = outcome.customer_id.clone().unwrap();
            self.deliveries.lock().unwrap().push(Delivery { message, customer, codes });
        }
    }

    /// Notes that a batch had to be tried again.
    pub(crate) fn retried(&self) {
        *self.retries.lock().unwrap() += 1;
    }

    /// How often a batch had to be tried again, because the store could not be reached.
    pub(crate) fn retries(&self) -> usize {
        *self.retries.lock().unwrap()
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.lock().unwrap().clone()
    }

    /// The messages of the `enqueue_failed` events, in their order.
    pub(crate) fn failures(&self) -> Vec<MessageId> {
        self.failures.lock().unwrap().clone()
    }

    /// The messages that were not to be sent.
    pub(crate) fn suppressed(&self) -> BTreeSet<MessageId> {
        self.suppressed.lock().unwrap().clone()
    }

    /// How many messages have an outcome.
    pub(crate) fn ended(&self) -> usize {
        let (deliveries, failures) = (self.deliveries.lock().unwrap(), self.failures.lock().unwrap());
        let suppressed = self.suppressed.lock().unwrap();
        let delivered = deliveries.iter().map(|delivery| &delivery.message);
        delivered.chain(&*failures).chain(&*suppressed).collect::<BTreeSet<_>>().len()
    }
}
