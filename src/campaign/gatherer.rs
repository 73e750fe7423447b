//! Single messages that are asked for at the same time share their calls to the store.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::outcome::Outcome;
use super::personalizer::{Finished, Lacking, Personalizer};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;
use crate::voucher::MessageId;

/// How many batches are under way at a time. Fewer are larger, and a store takes ten times as long for single messages.
const AT_ONCE: usize = 1;
/// The largest batch.
const LARGEST: usize = 500;

/// Personalises messages that come one by one. The first waits for nobody; those that come while the store is busy go together
/// in the next call. One that waits for what another sender holds keeps no other waiting.
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
    /// How many batches keep others from beginning. What waits for other senders does not.
    under_way: usize,
    /// The messages of all batches: an id stands in one batch at a time.
    ids: HashSet<MessageId>,
}

struct Waiting {
    message: Message,
    answer: Answer,
}

/// Who waits for a message.
struct Answer {
    id: MessageId,
    told: oneshot::Sender<Result<Outcome>>,
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
        let (told, outcome) = oneshot::channel();
        let answer = Answer { id: message.message_id.clone(), told };
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
        while let Some(batch) = self.next_batch() {
            let (messages, mut answers) = apart(batch);
            let personalizer = self.personalizer.clone();
            let personalized = tokio::spawn(async move {
                let attempt = personalizer.begin(messages).await?;
                personalizer.finish(attempt, Lacking::StandsAside).await
            });
            match personalized.await.unwrap_or_else(|_| Err(crashed())) {
                Ok(Finished { outcomes, aside, .. }) => {
                    let late: Vec<_> = aside
                        .into_iter()
                        .filter_map(|(place, message)| Some(Waiting { message, answer: answers[place].take()? }))
                        .collect();
                    if !late.is_empty() {
                        tokio::spawn(self.clone().wait(late));
                    }
                    for (answer, outcome) in answers.into_iter().zip(outcomes) {
                        self.answer(answer, outcome.map(Ok));
                    }
                }
                Err(error) => self.answer_all(answers, &error),
            }
        }
    }

    /// Personalises messages that wait for what another sender holds. They keep nobody else waiting.
    async fn wait(self, late: Vec<Waiting>) {
        let (messages, answers) = apart(late);
        let personalizer = self.personalizer.clone();
        let personalized = tokio::spawn(async move { personalizer.personalize(messages).await });
        match personalized.await.unwrap_or_else(|_| Err(crashed())) {
            Ok(outcomes) => {
                answers.into_iter().zip(outcomes).for_each(|(answer, outcome)| self.answer(answer, Some(Ok(outcome))));
            }
            Err(error) => self.answer_all(answers, &error),
        }
        // A message of the same id may have waited for one of these alone.
        self.begin();
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

    fn answer_all(&self, answers: Vec<Option<Answer>>, error: &Error) {
        answers.into_iter().for_each(|answer| self.answer(answer, Some(Err(error.retold()))));
    }

    /// Tells somebody what became of their message; the next one of its id may begin. Who does not wait any more gets the same
    /// when they ask again.
    fn answer(&self, answer: Option<Answer>, outcome: Option<Result<Outcome>>) {
        if let (Some(Answer { id, told }), Some(outcome)) = (answer, outcome) {
            self.line().ids.remove(&id);
            let _ = told.send(outcome);
        }
    }
}

/// The messages, and whom to tell about each.
fn apart(waiting: Vec<Waiting>) -> (Vec<Message>, Vec<Option<Answer>>) {
    waiting.into_iter().map(|Waiting { message, answer }| (message, Some(answer))).unzip()
}

fn crashed() -> Error {
    Error::new(ErrorKind::Io, "a message ended unexpectedly").with_help("ask again with the same message id")
}
