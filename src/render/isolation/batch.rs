//! Messages that children render one after the other.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use super::child::{Child, framed};
use super::isolated::Isolated;
use super::wire::{Answer, Ask, Outcome, Pass};
use super::{CRASHED, no_child};

/// How many bytes of asks may wait in a pipe. More than fits into it, and both sides would wait for each other.
const AHEAD: usize = 32 << 10;

/// What a child came to, and the attributes that it missed; or what is said of a message that it could not render.
pub(super) type Answered = Result<(Outcome, BTreeSet<String>), String>;

/// Messages of one template, and what children answered so far, in their order.
pub(super) struct Batch<'a> {
    template: &'a Isolated,
    passes: Vec<Arc<Pass>>,
    answers: Vec<Answered>,
    pace: Pace,
}

/// How a child is asked.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// For many messages at a time, and it answers many at a time.
    Together,
    /// For the next message once it has answered, so that it is known what it dies of.
    OneByOne,
}

impl<'a> Batch<'a> {
    pub(super) fn new(template: &'a Isolated, passes: impl Iterator<Item = Pass>) -> Batch<'a> {
        let passes: Vec<_> = passes.map(Arc::new).collect();
        Batch { template, answers: Vec::with_capacity(passes.len()), passes, pace: Pace::Together }
    }

    /// What children answer; for a message that one died of, what is said of it.
    pub(super) fn answers(mut self) -> Vec<Answered> {
        let children = &self.template.isolation.0;
        while self.answers.len() < self.passes.len() {
            let free = children.blame.check(self.template.key);
            match free.and_then(|()| children.child().map_err(|error| no_child(&error).to_string())) {
                Ok(child) => self.in_one_child(child),
                Err(message) => self.answers.resize_with(self.passes.len(), || Err(message.clone())),
            }
        }
        self.answers
    }

    /// Asks a child for what has no answer yet. What it dies of is known where it was asked for one message only; else the next
    /// child is asked for one after the other.
    fn in_one_child(&mut self, mut child: Child) {
        let children = &self.template.isolation.0;
        let mut ahead = Ahead::new(self.pace);
        if self.ask_all(&mut child, &mut ahead).is_ok() {
            return children.give_back(child);
        }
        self.pace = Pace::OneByOne;
        if ahead.sizes.len() > 1 {
            return;
        }
        if child.held.is_template_to_blame() {
            children.blame.note(self.template.key);
        }
        self.answers.push(Err(CRASHED.to_owned()));
    }

    fn ask_all(&mut self, child: &mut Child, ahead: &mut Ahead) -> io::Result<()> {
        let number = self.template.number;
        if child.has.insert(number) {
            child.ask(&self.template.compile)?;
            child.answer(false)?;
        }
        let passes = self.passes[self.answers.len()..].iter();
        let mut asks = passes.map(|pass| framed(&Ask::Render(number, Arc::clone(pass)))).peekable();
        while self.answers.len() < self.passes.len() {
            while let Some(ask) = asks.next_if(|ask| ahead.takes(ask.as_ref().map_or(0, Vec::len))) {
                let ask = ask?;
                ahead.add(ask.len());
                child.ask(&ask)?;
            }
            let answer = child.answer(ahead.sizes.len() > 1)?;
            ahead.remove();
            self.answers.push(match answer {
                Answer::Rendered(outcome, missing) => Ok((outcome, missing)),
                Answer::Refused { message, .. } => Err(message),
                Answer::Compiled(_) => return Err(io::ErrorKind::InvalidData.into()),
            });
        }
        Ok(())
    }
}

/// The sizes of the asks that a child has not answered yet.
struct Ahead {
    pace: Pace,
    sizes: VecDeque<usize>,
    bytes: usize,
    /// Whether more is sent: from when a quarter of them is answered until they are as many as may be, so that few writes do, and
    /// the child never waits.
    grows: bool,
}

impl Ahead {
    fn new(pace: Pace) -> Ahead {
        Ahead { pace, sizes: VecDeque::new(), bytes: 0, grows: true }
    }

    /// Whether it is time for an ask of so many bytes.
    fn takes(&mut self, bytes: usize) -> bool {
        self.grows = self.sizes.is_empty()
            || (self.pace == Pace::Together
                && self.bytes + bytes <= AHEAD
                && (self.grows || self.bytes <= AHEAD / 4 * 3));
        self.grows
    }

    fn add(&mut self, bytes: usize) {
        self.sizes.push_back(bytes);
        self.bytes += bytes;
    }

    fn remove(&mut self) {
        self.bytes -= self.sizes.pop_front().unwrap_or_default();
    }
}
