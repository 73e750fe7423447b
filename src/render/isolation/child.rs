//! A child process, seen from its parent.

use std::collections::HashSet;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::frame;
use super::wire::{Answer, Ask};

/// How long a child may take for one answer. One that takes longer hangs, and is ended.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long an ask is that nobody need wonder about, in bytes.
const LIKELY: usize = 2 << 10;

/// How many bytes of asks are written, and of answers read, at a time.
const TOGETHER: usize = 64 << 10;

/// How long it takes at most until a process that has closed its pipes has ended: so many milliseconds.
const MOMENT: Duration = Duration::from_millis(1);
const MOMENTS: u32 = 100;

/// Whether a process was ended by SIGKILL, which no program ends itself with: see signal(7).
#[cfg(unix)]
fn is_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

#[cfg(not(unix))]
fn is_killed(_: ExitStatus) -> bool {
    false
}

/// A child that waits to be asked.
pub(super) struct Child {
    asks: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
    buffer: Vec<u8>,
    /// The numbers of the templates that it has compiled.
    pub(super) has: HashSet<u64>,
    pub(super) held: Arc<Held>,
}

/// The process, and until when it must answer.
pub(super) struct Held {
    process: Mutex<Process>,
    until: Mutex<Option<Instant>>,
}

impl Held {
    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lives(&self) -> bool {
        matches!(self.process().try_wait(), Ok(None))
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a child that hangs; whoever waits for its answer sees its pipe closed.
    pub(super) fn end_if_late(&self) {
        if self.is_late() {
            self.end();
        }
    }

    fn is_late(&self) -> bool {
        self.until().is_some_and(|until| until <= Instant::now())
    }

    /// Ends a child that does not answer, and says whether its template is to blame: it is not where somebody else ended it.
    pub(super) fn is_template_to_blame(&self) -> bool {
        // What has closed its pipes is about to end.
        let ended = (0..MOMENTS).find_map(|_| {
            thread::sleep(MOMENT);
            self.process().try_wait().ok().flatten()
        });
        let to_blame = self.is_late() || !ended.is_some_and(is_killed);
        self.end();
        to_blame
    }

    fn end(&self) {
        let mut process = self.process();
        // One that has ended already is what is wanted.
        let _ = process.kill();
        let _ = process.wait();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
    }
}

impl Child {
    /// Starts the program with these arguments, and nothing of this process's environment.
    pub(super) fn start(program: &Path, arguments: &[String]) -> io::Result<Child> {
        let mut process = Command::new(program)
            .args(arguments)
            .env_clear()
            // The allocator asks for a gigabyte of addresses at once otherwise, which the limit on memory refuses.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(asks), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("the child has no pipes"));
        };
        let held = Held { process: Mutex::new(process), until: Mutex::default() };
        Ok(Child {
            asks: BufWriter::with_capacity(TOGETHER, asks),
            answers: BufReader::with_capacity(TOGETHER, answers),
            buffer: Vec::new(),
            has: HashSet::new(),
            held: Arc::new(held),
        })
    }

    /// Sends an ask. From now on an answer is waited for, though not for long.
    pub(super) fn ask(&mut self, ask: &[u8]) -> io::Result<()> {
        self.held.until().get_or_insert_with(|| Instant::now() + PATIENCE);
        self.asks.write_all(ask)
    }

    /// The answer to the first ask that has none yet; `more` says whether others wait.
    pub(super) fn answer(&mut self, more: bool) -> io::Result<Answer> {
        self.asks.flush()?;
        let mut answer: Answer = frame::read(&mut self.answers, &mut self.buffer)?;
        for text in answer.texts() {
            text.text = self.text(text.bytes)?;
        }
        *self.held.until() = more.then(|| Instant::now() + PATIENCE);
        Ok(answer)
    }

    fn text(&mut self, bytes: u64) -> io::Result<String> {
        let mut text = String::with_capacity(bytes.min(TOGETHER as u64) as usize);
        self.answers.by_ref().take(bytes.min(frame::LONGEST)).read_to_string(&mut text)?;
        if text.len() as u64 == bytes { Ok(text) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// An ask as it goes over the pipe.
pub(super) fn framed(ask: &Ask) -> io::Result<Vec<u8>> {
    let mut framed = Vec::with_capacity(LIKELY);
    frame::add(&mut framed, ask)?;
    Ok(framed)
}
