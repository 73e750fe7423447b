//! Single messages that are asked for at the same time share their calls to the store.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::outcome::Outcome;
use super::personalizer::{Attempt, Finished, Lacking, Personalizer};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;
use crate::voucher::MessageId;

/// How many batches are under way at a time: one is being settled while the next one is being reserved and rendered.
const AT_ONCE: usize = 2;
/// The largest batch.
const LARGEST: usize = 500;

/// Personalises messages that come one by one. The first waits for nobody; those that come while the store is busy go together
/// in the next call. One that waits for what another sender holds keeps no other waiting.
///
/// A message goes through to its end also when nobody waits for it any more, so that it is never left half settled.
#[derive(Clone)]
pub struct Gatherer {
    personalizer: Personalizer,
    runtime: Handle,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// Whether a batch is being reserved and rendered.
    is_beginning: bool,
    /// How many batches have not ended. Those that wait for other senders do not count.
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
    /// Gathers messages for this personalizer. Batches are worked on in `runtime`; whoever waits for a message may do so in another.
    pub fn new(personalizer: Personalizer, runtime: Handle) -> Gatherer {
        Gatherer { personalizer, runtime, line: Arc::default() }
    }

    /// Personalises a message: [`Personalizer::personalize`].
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

    /// Begins a batch if the one before has been reserved and rendered.
    fn begin(&self) {
        if let Some(batch) = self.next_batch() {
            self.runtime.spawn(self.clone().work(batch));
        }
    }

    /// Takes a batch to its end. While it is being settled the next one is being reserved: the store writes both at once.
    async fn work(self, batch: Vec<Waiting>) {
        let (messages, answers) = apart(batch);
        let personalizer = self.personalizer.clone();
        let attempt = tokio::spawn(async move { personalizer.begin(messages).await }).await;
        self.line().is_beginning = false;
        self.begin();
        match attempt.unwrap_or_else(|_| Err(crashed())) {
            Ok(attempt) => self.finish(attempt, answers).await,
            Err(error) => self.answer_all(answers, &error),
        }
        self.line().under_way -= 1;
        self.begin();
    }

    async fn finish(&self, attempt: Attempt, mut answers: Vec<Option<Answer>>) {
        let personalizer = self.personalizer.clone();
        let finished = tokio::spawn(async move { personalizer.finish(attempt, Lacking::StandsAside).await });
        let Finished { outcomes, aside, .. } = match finished.await.unwrap_or_else(|_| Err(crashed())) {
            Ok(finished) => finished,
            Err(error) => return self.answer_all(answers, &error),
        };
        let late =
            aside.into_iter().filter_map(|(place, message)| Some(Waiting { message, answer: answers[place].take()? }));
        let late: Vec<_> = late.collect();
        if !late.is_empty() {
            tokio::spawn(self.clone().wait(late));
        }
        answers.into_iter().zip(outcomes).for_each(|(answer, outcome)| self.answer(answer, outcome.map(Ok)));
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

    /// The next batch. There is none where enough are under way, where nobody waits, or only for messages that are under way.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let mut line = self.line();
        if line.is_beginning || line.under_way == AT_ONCE {
            return None;
        }
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
            return None;
        }
        (line.is_beginning, line.under_way) = (true, line.under_way + 1);
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
