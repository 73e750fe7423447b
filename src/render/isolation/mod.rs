//! Templates of people who are not trusted, compiled and rendered in child processes.
//!
//! What no limit inside a process can stop, memory and stack above all, ends a child: that costs its message, and nothing else.
//! Claims go on being made by the parent: a child says what a message waits for, and renders again when it is told.

mod batch;
mod blame;
mod carried;
mod child;
mod confinement;
mod frame;
mod isolated;
mod wire;
mod worker;

pub use worker::work;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use self::blame::Blame;
use self::child::{Child, Held};
pub(super) use self::isolated::Isolated;
pub(super) use self::wire::TemplateSource;
use self::wire::{Answer, Ask};
use crate::error::{Error, ErrorKind, Result};

/// How often children are looked after that may hang.
const LOOK: Duration = Duration::from_millis(100);
/// How many templates a child compiles before another takes its place: so much memory is theirs.
const TEMPLATES: usize = 32;
/// How many children that have nothing to do are kept.
const IDLE: usize = 16;

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
        let compile = child::framed(&Ask::Compile(number, source.clone())).map_err(|error| no_child(&error))?;
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
