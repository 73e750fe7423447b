//! Batches on their way: while one is settled, the next ones render and reserve. Their outcomes leave in order.

use std::collections::VecDeque;
use std::fmt;

use tokio::task::{JoinError, JoinHandle};

use super::outcome::Outcome;
use super::personalizer::{Attempt, Lacking, Personalizer};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;
use crate::voucher::PoolName;

/// How many batches are on their way at a time: one is settled, one renders, one reserves, and one waits for whoever is first.
const IN_FLIGHT: usize = 4;

/// Takes batches one after the other through the protocol, several at a time. With each travels a `T` of the caller's. Their
/// templates may be different ones; their vouchers are those of one store.
///
/// ```
/// # use tearoff::campaign::{Personalizer, Pipeline};
/// # use tearoff::render::Message;
/// # async fn all(personalizer: Personalizer, batches: Vec<Vec<Message>>) -> tearoff::Result<()> {
/// let mut pipeline = Pipeline::new();
/// let mut batches = batches.into_iter().enumerate();
/// loop {
///     while !pipeline.is_full() {
///         let Some((number, messages)) = batches.next() else { break };
///         pipeline.add(&personalizer, messages, number);
///     }
///     let Some(landed) = pipeline.next().await? else { break };
///     println!("batch {} has {} outcomes", landed.cargo, landed.outcomes.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pipeline<T> {
    lacking: Lacking,
    flights: VecDeque<Flight<T>>,
}

/// A batch that has its outcomes.
#[derive(Debug)]
pub struct Landed<T> {
    /// What travelled with it.
    pub cargo: T,
    /// The outcomes in the order of the messages, up to where the batch stopped.
    pub outcomes: Vec<Outcome>,
    /// The pool that stopped it, being empty or paused, in a pipeline that stops there.
    pub stopped_by: Option<PoolName>,
}

/// A batch on its way.
struct Flight<T> {
    personalizer: Personalizer,
    cargo: T,
    progress: Progress,
}

enum Progress {
    /// It renders and reserves.
    Under(JoinHandle<Result<Attempt>>),
    /// It has rendered under a lease, or could not.
    Done(Result<Attempt>),
    /// It gave back what it had reserved, so that an earlier batch could have it, and begins again.
    Withdrawn(Vec<Message>),
}

impl<T> fmt::Debug for Pipeline<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("flights", &self.flights.len()).finish_non_exhaustive()
    }
}

impl<T> Default for Pipeline<T> {
    fn default() -> Pipeline<T> {
        Pipeline::new()
    }
}

impl<T> Pipeline<T> {
    /// A pipeline with nothing in it.
    pub fn new() -> Pipeline<T> {
        Pipeline { lacking: Lacking::Waits, flights: VecDeque::new() }
    }

    /// Stops within a batch at the first message that finds a pool empty or paused.
    #[must_use]
    pub fn stopping_when_empty(mut self, stops: bool) -> Pipeline<T> {
        self.lacking = if stops { Lacking::Stops } else { Lacking::Waits };
        self
    }

    /// Whether so many batches are on their way that another one would gain nothing.
    pub fn is_full(&self) -> bool {
        self.flights.len() >= IN_FLIGHT
    }

    /// Whether no batch is on its way.
    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Sends a batch of messages, each id once, on its way.
    pub fn add(&mut self, personalizer: &Personalizer, messages: Vec<Message>, cargo: T) {
        let progress = spawn(personalizer, messages);
        self.flights.push_back(Flight { personalizer: personalizer.clone(), cargo, progress });
    }

    /// Waits until the first batch can be ended. Dropped meanwhile, it changes nothing.
    pub async fn ready(&mut self) {
        if let Some(flight) = self.flights.front_mut() {
            flight.wait().await;
        }
    }

    /// Ends the first batch and gives its outcomes; nothing where none is on its way. Where it lacks a voucher, those behind
    /// it first give back theirs.
    ///
    /// # Errors
    /// As for [`Personalizer::personalize`]: the first batch ends with that. What is behind it is still on its way then: see
    /// [`Pipeline::withdraw`].
    pub async fn next(&mut self) -> Result<Option<Landed<T>>> {
        let Some(mut flight) = self.flights.pop_front() else { return Ok(None) };
        flight.wait().await;
        let personalizer = &flight.personalizer;
        let mut attempt = match flight.progress {
            Progress::Done(attempt) => attempt?,
            Progress::Withdrawn(messages) => personalizer.begin(messages).await?,
            Progress::Under(task) => joined(task.await)?,
        };
        if !personalizer.is_decided(&attempt).await? {
            for flight in &mut self.flights {
                flight.withdraw().await?;
            }
            if attempt.is_contended() {
                attempt = personalizer.restart(attempt).await?;
            }
        }
        let finished = personalizer.finish(attempt, self.lacking).await?;
        for flight in &mut self.flights {
            if let Progress::Withdrawn(messages) = &mut flight.progress {
                flight.progress = spawn(&flight.personalizer, std::mem::take(messages));
            }
        }
        let outcomes = finished.outcomes.into_iter().map_while(|outcome| outcome).collect();
        Ok(Some(Landed { cargo: flight.cargo, outcomes, stopped_by: finished.stopped_by }))
    }

    /// Gives back what batches hold that will not be ended. What cannot be given back now goes back when its lease runs out.
    pub async fn withdraw(&mut self) {
        for mut flight in self.flights.drain(..) {
            if let Err(error) = flight.withdraw().await {
                tracing::warn!(kind = error.kind().code(), "reserved vouchers go back when their lease runs out");
            }
        }
    }
}

impl<T> Flight<T> {
    async fn wait(&mut self) {
        if let Progress::Under(task) = &mut self.progress {
            self.progress = Progress::Done(joined(task.await));
        }
    }

    /// Gives back what it holds. Where that fails, it ends with the same error when it is its turn.
    async fn withdraw(&mut self) -> Result<()> {
        let attempt = match std::mem::replace(&mut self.progress, Progress::Withdrawn(Vec::new())) {
            Progress::Done(attempt) => attempt,
            Progress::Under(task) => joined(task.await),
            Progress::Withdrawn(messages) => {
                self.progress = Progress::Withdrawn(messages);
                return Ok(());
            }
        };
        let messages = match attempt {
            Ok(attempt) => self.personalizer.withdraw(attempt).await,
            Err(error) => Err(error),
        };
        let failed = messages.as_ref().err().map(Error::retold);
        self.progress = messages.map_or_else(|error| Progress::Done(Err(error)), Progress::Withdrawn);
        failed.map_or(Ok(()), Err)
    }
}

fn spawn(personalizer: &Personalizer, messages: Vec<Message>) -> Progress {
    let personalizer = personalizer.clone();
    Progress::Under(tokio::spawn(async move { personalizer.begin(messages).await }))
}

fn joined(ended: Result<Result<Attempt>, JoinError>) -> Result<Attempt> {
    ended.map_err(|error| Error::new(ErrorKind::Io, "a batch ended unexpectedly").with_source(error))?
}
