//! Templates of people who are not trusted, compiled and rendered in child processes.
//!
//! What no limit inside a process can stop, memory and stack above all, ends a child: that costs its message, and nothing else.
//! Claims go on being made by the parent: a child says what a message waits for, and renders again when it is told.

mod blame;
mod child;
mod confinement;
mod wire;
mod worker;

pub use worker::work;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use self::blame::Blame;
use self::child::{Child, Held};
pub(super) use self::wire::TemplateSource;
use self::wire::{Answer, Ask, Facts, Outcome, Pass, Vouchers};
use super::known::previewed;
use super::parts;
use super::session::Used;
use super::{Failure, Known, Message, PoolMention, Rendered, Rendering, Suspension, TemplateError};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Catalogue, Channel, Claim, PoolName, Width};

/// How often children are looked after that may hang.
const LOOK: Duration = Duration::from_millis(100);
/// How many templates a child compiles before another takes its place: so much memory is theirs.
const TEMPLATES: usize = 32;
/// How many children that have nothing to do are kept.
const IDLE: usize = 16;
/// How many asks, and how many bytes of them, may wait in a pipe. More than fits into it, and both sides would wait for each other.
const AHEAD: usize = 64;
const AHEAD_BYTES: usize = 32 << 10;

/// The child processes of a program.
#[derive(Clone)]
pub struct Isolation(Arc<Children>);

struct Children {
    program: PathBuf,
    arguments: Vec<String>,
    idle: Mutex<Vec<Child>>,
    /// All that live, for whoever looks after them.
    living: Mutex<Vec<Weak<Held>>>,
    blame: Blame,
    next: AtomicU64,
}

impl fmt::Debug for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolation").field("program", &self.0.program).finish_non_exhaustive()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Isolation {
    /// Children of this program, which does [`work`] over its standard input and output when it is given these arguments.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the system gives no thread to look after them.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Isolation> {
        let children = Arc::new(Children {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            idle: Mutex::default(),
            living: Mutex::default(),
            blame: Blame::default(),
            next: AtomicU64::new(1),
        });
        let looked_after = Arc::downgrade(&children);
        let builder = thread::Builder::new().name("isolation".to_owned());
        builder.spawn(move || look_after(&looked_after)).map_err(|error| no_child(&error))?;
        Ok(Isolation(children))
    }

    /// Has a child compile a template.
    pub(super) fn compile(&self, source: TemplateSource) -> Result<Isolated> {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let key = blame::key(&source);
        self.0.blame.check(key).map_err(|message| Error::new(ErrorKind::Template, message))?;
        let compile = child::line(&Ask::Compile(number, source.clone())).map_err(|error| no_child(&error))?;
        let mut child = self.0.child().map_err(|error| no_child(&error))?;
        let answer = child.ask(&compile).and_then(|()| child.answer(false));
        match answer {
            Ok(Answer::Compiled(facts)) => {
                child.has.insert(number);
                self.0.give_back(child);
                Ok(Isolated { isolation: self.clone(), number, key, compile, source, facts })
            }
            Ok(Answer::Refused { is_template, message, help }) => {
                self.0.give_back(child);
                let kind = if is_template { ErrorKind::Template } else { ErrorKind::InvalidInput };
                let error = Error::new(kind, message);
                Err(match help {
                    Some(help) => error.with_help(help),
                    None => error,
                })
            }
            Ok(Answer::Rendered(..)) | Err(_) => {
                if child.held.is_template_to_blame() {
                    self.0.blame.note(key);
                }
                Err(Error::new(ErrorKind::Template, CRASHED))
            }
        }
    }
}

/// What is said of a message that a child died of.
const CRASHED: &str = "the template crashed the renderer";

fn no_child(error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("an isolated renderer cannot be started: {error}"))
}

impl Children {
    fn child(&self) -> io::Result<Child> {
        while let Some(child) = { lock(&self.idle).pop() } {
            // One that somebody ended meanwhile costs no message.
            if child.held.lives() {
                return Ok(child);
            }
        }
        let child = Child::start(&self.program, &self.arguments)?;
        let mut living = lock(&self.living);
        living.retain(|held| held.strong_count() > 0);
        living.push(Arc::downgrade(&child.held));
        Ok(child)
    }

    fn give_back(&self, child: Child) {
        let mut idle = lock(&self.idle);
        if child.has.len() < TEMPLATES && idle.len() < IDLE {
            idle.push(child);
        }
    }
}

/// Ends children that hang, for as long as there may be some.
fn look_after(children: &Weak<Children>) {
    while let Some(children) = children.upgrade() {
        let living: Vec<_> = lock(&children.living).iter().filter_map(Weak::upgrade).collect();
        drop(children);
        living.iter().for_each(|held| held.end_if_late());
        drop(living);
        thread::sleep(LOOK);
    }
}

/// A template that only children ever compile.
pub(super) struct Isolated {
    isolation: Isolation,
    number: u64,
    key: blame::Key,
    /// The ask to compile it, for children that do not have it yet.
    compile: Vec<u8>,
    source: TemplateSource,
    facts: Facts,
}

impl Isolated {
    pub(super) fn name(&self) -> &str {
        &self.source.name
    }

    pub(super) fn channel(&self) -> Channel {
        self.source.channel
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.facts.fingerprint
    }

    pub(super) fn mentions(&self) -> &[PoolMention] {
        &self.facts.mentions
    }

    pub(super) fn printed(&self) -> &BTreeSet<String> {
        &self.facts.printed
    }

    /// Renders messages one after the other in a child, and in another one after each that a child died of.
    pub(super) fn render(&self, messages: Vec<(&Arc<Message>, &Arc<Known>)>) -> Vec<Rendering> {
        let passes = messages.iter().map(|(message, known)| Pass::new(message, Vouchers::Known(Arc::clone(known))));
        let answers = self.passes(passes.collect());
        let given = answers.into_iter().zip(messages);
        given
            .map(|(answer, (message, known))| {
                answer.map_or_else(failed, |(outcome, _)| believed(outcome, message, known))
            })
            .collect()
    }

    /// Renders a message, and says which attributes it looked for and did not find.
    pub(super) fn examine(&self, message: &Arc<Message>, known: &Arc<Known>) -> (Rendering, BTreeSet<String>) {
        let pass = Pass::new(message, Vouchers::Examined(Arc::clone(known)));
        match self.passes(vec![pass]).pop() {
            Some(Ok((outcome, missing))) => (believed(outcome, message, known), missing),
            Some(Err(message)) => (failed(message), BTreeSet::new()),
            None => (failed(CRASHED.to_owned()), BTreeSet::new()),
        }
    }

    pub(super) fn preview(&self, message: &Arc<Message>, catalogue: &Arc<Catalogue>) -> Result<Rendered, Failure> {
        let pass = Pass::new(message, Vouchers::Previewed(Arc::clone(catalogue)));
        match self.passes(vec![pass]).pop() {
            Some(Ok((Outcome::Complete { parts, vouchers }, _))) => {
                let previewed = previewed(catalogue, message.instant, vouchers);
                complete(parts, previewed.collect()).ok_or_else(|| failure(CRASHED.to_owned()))
            }
            Some(Ok((Outcome::Failed(failure), _))) => Err(failure),
            Some(Err(message)) => Err(failure(message)),
            Some(Ok(_)) | None => Err(failure(CRASHED.to_owned())),
        }
    }

    /// What children answer to passes, in their order; for one that a child died of, what is said of it.
    fn passes(&self, passes: Vec<Pass>) -> Vec<Answered> {
        let asks = passes.into_iter().map(|pass| child::line(&Ask::Render(self.number, Box::new(pass))));
        let asks: Vec<_> = asks.map(Result::unwrap_or_default).collect();
        let mut answers = Vec::with_capacity(asks.len());
        while answers.len() < asks.len() {
            let free = self.isolation.0.blame.check(self.key);
            match free.and_then(|()| self.isolation.0.child().map_err(|error| no_child(&error).to_string())) {
                Ok(child) => self.in_one_child(child, &asks, &mut answers),
                Err(message) => answers.resize_with(asks.len(), || Err(message.clone())),
            }
        }
        answers
    }

    /// Asks a child for what has no answer yet. Where it dies, it is of the first ask that has none then.
    fn in_one_child(&self, mut child: Child, asks: &[Vec<u8>], answers: &mut Vec<Answered>) {
        if self.ask_all(&mut child, asks, answers).is_ok() {
            return self.isolation.0.give_back(child);
        }
        if child.held.is_template_to_blame() {
            self.isolation.0.blame.note(self.key);
        }
        answers.push(Err(CRASHED.to_owned()));
    }

    fn ask_all(&self, child: &mut Child, asks: &[Vec<u8>], answers: &mut Vec<Answered>) -> io::Result<()> {
        if child.has.insert(self.number) {
            child.ask(&self.compile)?;
            child.answer(false)?;
        }
        let mut ahead: VecDeque<usize> = VecDeque::new();
        let mut next = answers.len();
        while answers.len() < asks.len() {
            while next < asks.len() && has_room(&ahead, asks[next].len()) {
                child.ask(&asks[next])?;
                ahead.push_back(asks[next].len());
                next += 1;
            }
            ahead.pop_front();
            answers.push(match child.answer(!ahead.is_empty())? {
                Answer::Rendered(outcome, missing) => Ok((outcome, missing)),
                Answer::Refused { message, .. } => Err(message),
                Answer::Compiled(_) => return Err(io::ErrorKind::InvalidData.into()),
            });
        }
        Ok(())
    }
}

/// What a child came to, and the attributes that it missed; or what is said of a message that it could not render.
type Answered = Result<(Outcome, BTreeSet<String>), String>;

fn has_room(ahead: &VecDeque<usize>, bytes: usize) -> bool {
    ahead.is_empty() || (ahead.len() < AHEAD && ahead.iter().sum::<usize>() + bytes <= AHEAD_BYTES)
}

/// What a child says, with the parent's own vouchers and claims.
fn believed(outcome: Outcome, message: &Message, known: &Known) -> Rendering {
    match outcome {
        Outcome::Complete { parts, vouchers } => {
            let used = vouchers.into_iter().map(|(pool, width)| known.used(pool, width)).collect::<Option<_>>();
            let complete = used.and_then(|used| complete(parts, used));
            complete.map_or_else(|| failed(CRASHED.to_owned()), Rendering::Complete)
        }
        Outcome::Failed(failure) => Rendering::Failed(failure),
        Outcome::WaitsForClaim(pool, width) => claim(pool, width, message),
        Outcome::WaitsForCount(pool) => Rendering::Suspended(Suspension::Count(pool)),
        Outcome::WaitsForCustomerVouchers => Rendering::Suspended(Suspension::CustomerVouchers),
    }
}

fn claim(pool: PoolName, width: Width, message: &Message) -> Rendering {
    match message.identity() {
        Some(identity) => Rendering::Suspended(Suspension::Claim(Claim { pool, width, message: Arc::clone(identity) })),
        None => failed(CRASHED.to_owned()),
    }
}

fn complete(texts: Vec<(String, String)>, vouchers: Vec<Used>) -> Option<Rendered> {
    let parts = texts.into_iter().map(|(name, text)| Some((parts::known(&name)?, text))).collect::<Option<_>>()?;
    Some(Rendered { parts, vouchers })
}

fn failed(message: String) -> Rendering {
    Rendering::Failed(failure(message))
}

fn failure(message: String) -> Failure {
    Failure::Template(TemplateError { message, place: None })
}
