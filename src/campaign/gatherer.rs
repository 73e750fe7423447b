//! Single messages that are asked for at the same time share their calls to the store.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::outcome::Outcome;
use super::personalizer::Personalizer;
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;
use crate::voucher::MessageId;

/// How many batches are under way at a time: one renders while the other is at the store.
const AT_ONCE: usize = 2;
/// The largest batch.
const LARGEST: usize = 500;
/// After how long a batch no longer keeps others from beginning: one of its messages waits for what another sender holds.
const PATIENCE: Duration = Duration::from_millis(200);

/// Personalises messages that come one by one. The first waits for nobody; those that come while the store is busy go together
/// in the next call.
///
/// A message goes through to its end also when nobody waits for it any more, so that it is never left half settled.
#[derive(Clone)]
pub struct Gatherer {
    personalizer: Personalizer,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// How many batches keep others from beginning.
    under_way: usize,
    /// The messages of all batches: an id stands in one batch at a time.
    ids: HashSet<MessageId>,
}

struct Waiting {
    message: Message,
    answer: oneshot::Sender<Result<Outcome>>,
}

impl fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatherer").field("personalizer", &self.personalizer).finish_non_exhaustive()
    }
}

impl Gatherer {
    /// Gathers messages for this personalizer.
    pub fn new(personalizer: Personalizer) -> Gatherer {
        Gatherer { personalizer, line: Arc::default() }
    }

    /// Personalises a message: [`Personalizer::personalize`]. It needs a runtime of tokio.
    ///
    /// # Errors
    /// As for [`Personalizer::personalize`].
    pub async fn personalize(&self, message: Message) -> Result<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.line().waiting.push_back(Waiting { message, answer });
        self.begin();
        outcome.await.unwrap_or_else(|_| Err(crashed()))
    }

    /// How many messages wait for their batch to begin.
    pub fn waiting(&self) -> usize {
        self.line().waiting.len()
    }

    /// Takes an outcome back that is done with: see [`Personalizer::recycle`].
    pub fn recycle(&self, outcome: Outcome) {
        self.personalizer.recycle(vec![outcome]);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a batch, unless enough are under way.
    fn begin(&self) {
        let mut line = self.line();
        if line.under_way < AT_ONCE && !line.waiting.is_empty() {
            line.under_way += 1;
            drop(line);
            tokio::spawn(self.clone().work());
        }
    }

    /// Takes batch after batch until nobody waits.
    async fn work(self) {
        loop {
            let Some(batch) = self.next_batch() else { return };
            let (messages, answers): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.message, waiting.answer)).unzip();
            let ids: Vec<_> = messages.iter().map(|message| message.message_id.clone()).collect();
            let personalizer = self.personalizer.clone();
            let mut personalized = tokio::spawn(async move { personalizer.personalize(messages).await });
            let (outcomes, is_late) = match tokio::time::timeout(PATIENCE, &mut personalized).await {
                Ok(outcomes) => (outcomes, false),
                Err(_) => {
                    self.line().under_way -= 1;
                    self.begin();
                    (personalized.await, true)
                }
            };
            self.forget(&ids);
            answer(answers, outcomes.unwrap_or_else(|_| Err(crashed())));
            if is_late {
                // A message of the same id may have waited for this one alone.
                return self.begin();
            }
        }
    }

    /// The next batch. There is none where nobody waits, or only for messages that are under way.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let mut line = self.line();
        let (mut batch, mut left) = (Vec::new(), VecDeque::new());
        while let Some(waiting) = line.waiting.pop_front() {
            if batch.len() < LARGEST && line.ids.insert(waiting.message.message_id.clone()) {
                batch.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        line.waiting = left;
        if batch.is_empty() {
            line.under_way -= 1;
            return None;
        }
        Some(batch)
    }

    fn forget(&self, ids: &[MessageId]) {
        let mut line = self.line();
        ids.iter().for_each(|id| {
            line.ids.remove(id);
        });
    }
}

/// Gives everybody their outcome, or all of them the error. Who does not wait any more gets the same when they ask again.
fn answer(answers: Vec<oneshot::Sender<Result<Outcome>>>, outcomes: Result<Vec<Outcome>>) {
    match outcomes {
        Ok(outcomes) => answers.into_iter().zip(outcomes).for_each(|(answer, outcome)| {
            let _ = answer.send(Ok(outcome));
        }),
        Err(error) => answers.into_iter().for_each(|answer| {
            let _ = answer.send(Err(error.retold()));
        }),
    }
}

fn crashed() -> Error {
    Error::new(ErrorKind::Io, "a message ended unexpectedly").with_help("ask again with the same message id")
}
