//! Lines of a stream that are answered together.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::campaign::Outcome;
use crate::error::Result;
use crate::http::Metrics;
use crate::http::problem::{Fault, Problem};
use crate::http::templates::Ready;
use crate::render::Message;
use crate::voucher::MessageId;

/// The most lines of a page.
const LINES: usize = 500;
/// The most groups of a page: each is a batch of its own.
const GROUPS: usize = 8;
/// How long a page waits for another line.
const PATIENCE: Duration = Duration::from_millis(2);

/// Lines that stand one after the other, and their answers as they come.
pub(super) struct Page {
    entries: Vec<Entry>,
    groups: VecDeque<Group>,
    previews: Vec<Waiting>,
    /// When it waits no longer for another line.
    due: Instant,
}

/// A line.
struct Entry {
    line: u64,
    message_id: Option<MessageId>,
    answer: Option<Answer>,
}

/// What a line is answered.
pub(super) enum Answer {
    /// What became of the message; the template that made it, if one did.
    Outcome(Box<Outcome>, Option<Arc<Ready>>),
    Refused(Problem),
}

/// Messages of one template that go through the protocol together. A message id stands in it once.
pub(super) struct Group {
    pub(super) ready: Arc<Ready>,
    pub(super) messages: Vec<Message>,
    ids: HashSet<MessageId>,
    /// Which entries of the page they are.
    places: Vec<usize>,
}

/// A message to be looked at.
pub(super) struct Waiting {
    pub(super) ready: Arc<Ready>,
    pub(super) message: Message,
    pub(super) place: usize,
}

impl Page {
    /// A page whose first line is about to come.
    pub(super) fn new() -> Page {
        let due = Instant::now() + PATIENCE;
        Page { entries: Vec::new(), groups: VecDeque::new(), previews: Vec::new(), due }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether no other line has room.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= LINES || self.groups.len() >= GROUPS
    }

    /// Until when it waits for another line.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Adds a line that has its answer.
    pub(super) fn answer(&mut self, line: u64, message_id: Option<MessageId>, answer: Answer) {
        self.add(line, message_id, Some(answer));
    }

    /// Adds a message to be personalised.
    pub(super) fn personalize(&mut self, line: u64, ready: Arc<Ready>, message: Message) {
        let place = self.add(line, Some(message.message_id.clone()), None);
        let group = self.groups.iter_mut().rev().find(|group| Arc::ptr_eq(&group.ready, &ready));
        match group.filter(|group| !group.ids.contains(&message.message_id)) {
            Some(group) => group.add(message, place),
            None => {
                let mut group = Group::new(ready);
                group.add(message, place);
                self.groups.push_back(group);
            }
        }
    }

    /// Adds a message to be looked at.
    pub(super) fn preview(&mut self, line: u64, ready: Arc<Ready>, message: Message) {
        let place = self.add(line, Some(message.message_id.clone()), None);
        self.previews.push(Waiting { ready, message, place });
    }

    fn add(&mut self, line: u64, message_id: Option<MessageId>, answer: Option<Answer>) -> usize {
        if self.entries.is_empty() {
            self.due = Instant::now() + PATIENCE;
        }
        self.entries.push(Entry { line, message_id, answer });
        self.entries.len() - 1
    }

    /// The groups whose messages go on their way.
    pub(super) fn groups(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.iter_mut()
    }

    /// The messages to be looked at.
    pub(super) fn take_previews(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.previews)
    }

    /// Takes what became of a message that was to be looked at.
    pub(super) fn previewed(&mut self, place: usize, outcome: Result<Outcome>) {
        self.entries[place].answer = Some(Answer::of(outcome, None));
    }

    /// Takes what became of the first group that has no answers yet.
    pub(super) fn land(&mut self, outcomes: Result<Vec<Outcome>>) {
        let Some(Group { ready, places, .. }) = self.groups.pop_front() else { return };
        match outcomes {
            Ok(outcomes) => {
                for (place, outcome) in places.into_iter().zip(outcomes) {
                    self.entries[place].answer = Some(Answer::of(outcome.accepted(), Some(Arc::clone(&ready))));
                }
            }
            Err(error) => {
                for place in places {
                    self.entries[place].answer = Some(Answer::of(Err(error.retold()), None));
                }
            }
        }
    }

    /// Whether every line has its answer.
    pub(super) fn is_answered(&self) -> bool {
        self.groups.is_empty()
    }

    /// The answers, a line each.
    pub(super) fn write(self, metrics: &Metrics) -> Vec<u8> {
        let mut text = Vec::new();
        for Entry { line, message_id, answer } in self.entries {
            match answer {
                Some(Answer::Outcome(outcome, ready)) => {
                    metrics.outcome(&outcome);
                    write(&mut text, &outcome);
                    if let Some(ready) = ready {
                        ready.recycle(*outcome);
                    }
                }
                Some(Answer::Refused(problem)) => {
                    write(&mut text, &RefusedLine { line, message_id, error: problem.into() });
                }
                None => unreachable!("a page is written when every line has its answer"),
            }
        }
        text
    }
}

impl Group {
    fn new(ready: Arc<Ready>) -> Group {
        Group { ready, messages: Vec::new(), ids: HashSet::new(), places: Vec::new() }
    }

    fn add(&mut self, message: Message, place: usize) {
        self.ids.insert(message.message_id.clone());
        self.messages.push(message);
        self.places.push(place);
    }
}

impl Answer {
    /// What a line is answered that ends so.
    pub(super) fn of(outcome: Result<Outcome>, ready: Option<Arc<Ready>>) -> Answer {
        match outcome {
            Ok(outcome) => Answer::Outcome(Box::new(outcome), ready),
            Err(error) => Answer::Refused(error.into()),
        }
    }
}

/// The answer to a line that is wrong, or cannot be answered now.
#[derive(Serialize, ToSchema)]
pub(super) struct RefusedLine {
    /// The number of the line, from 1.
    line: u64,
    /// The message's id, where it has one.
    #[schema(value_type = Option<String>, required)]
    message_id: Option<MessageId>,
    /// What went wrong.
    error: Fault,
}

fn write(text: &mut Vec<u8>, answer: &impl Serialize) {
    // Into memory, nothing fails.
    let _ = serde_json::to_writer(&mut *text, answer);
    text.push(b'\n');
}
