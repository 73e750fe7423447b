//! The one thread that writes. It takes all work that is waiting, does it in one transaction and commits once, so that many
//! callers share the cost of reaching the disk.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use super::fault::{Fault, Outcome, explain};
use super::open::Place;
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};

/// What has to survive a power cut once it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// A reservation: if it is lost, so is the message that was being made.
    Reserved,
    /// Everything else.
    Kept,
}

/// The way to the writing thread. Dropped, it lets the thread finish what is waiting and close the file.
#[derive(Debug)]
pub(super) struct Writer {
    work: Option<Sender<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which owns `connection` from now on.
    pub(super) fn start(connection: Connection, place: Place) -> Result<Writer> {
        let (sender, receiver) = mpsc::channel();
        let thread =
            thread::Builder::new().name("tearoff-store".into()).spawn(move || serve(&connection, &place, &receiver));
        let no_thread =
            |error| Error::new(ErrorKind::Io, "no thread could be started for the store").with_source(error);
        Ok(Writer { work: Some(sender), thread: Some(thread.map_err::<Error, _>(no_thread)?) })
    }

    /// Does a piece of work: all of it or nothing. It is done even if nobody waits for the answer any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Session<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let task = Task { durability, work: Some(work), outcome: None, reply };
        let sent = self.work.as_ref().is_some_and(|sender| sender.send(Box::new(task)).is_ok());
        match answer.await {
            Ok(answer) if sent => answer,
            _ => Err(Error::new(ErrorKind::StoreUnavailable, "the store was closed").with_help("open it again")),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has already been told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

/// A piece of work with the caller who waits for it.
trait Work: Send {
    fn durability(&self) -> Durability;
    /// Does it, and keeps what it gives. An error means that its changes must be undone.
    fn perform(&mut self, session: &Session<'_>) -> std::result::Result<(), Undo>;
    /// Tells the caller, once it is certain what became of it.
    fn answer(self: Box<Self>, failure: Option<&rusqlite::Error>, place: &Place);
}

/// The sign that a piece of work failed; the piece itself knows why.
struct Undo;

struct Task<T, F> {
    durability: Durability,
    work: Option<F>,
    outcome: Option<Outcome<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Session<'_>) -> Outcome<T> + Send> Work for Task<T, F> {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn perform(&mut self, session: &Session<'_>) -> std::result::Result<(), Undo> {
        let Some(work) = self.work.take() else { return Err(Undo) };
        let outcome = work(session).and_then(|value| session.flush().map(|()| value));
        let result = if outcome.is_ok() { Ok(()) } else { Err(Undo) };
        self.outcome = Some(outcome);
        result
    }

    fn answer(self: Box<Self>, failure: Option<&rusqlite::Error>, place: &Place) {
        let told = |fault: Fault| fault.told_of(&place.file);
        let answer = match (self.outcome, failure) {
            (Some(Err(fault)), _) => Err(told(fault)),
            (_, Some(error)) => Err(explain(error, &place.file)),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => return,
        };
        // The caller may have gone: what is done stays done.
        let _ = self.reply.send(answer);
    }
}

fn serve(connection: &Connection, place: &Place, waiting: &Receiver<Box<dyn Work>>) {
    let mut synchronous = None;
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter());
        let durability = group.iter().map(|work| work.durability()).max();
        let result = set_durability(connection, &mut synchronous, durability)
            .and_then(|()| commit_together(connection, place, &mut group));
        for work in group {
            work.answer(result.as_ref().err(), place);
        }
    }
}

/// `synchronous` cannot change within a transaction.
fn set_durability(
    connection: &Connection,
    current: &mut Option<Durability>,
    wanted: Option<Durability>,
) -> rusqlite::Result<()> {
    if *current != wanted {
        let level = if wanted == Some(Durability::Reserved) { "NORMAL" } else { "FULL" };
        connection.pragma_update(None, "synchronous", level)?;
        *current = wanted;
    }
    Ok(())
}

/// Does the pieces one after the other in one transaction, each of them entirely or not at all.
fn commit_together(connection: &Connection, place: &Place, group: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let session = Session::new(connection, place);
    let result = match group {
        [alone] => perform_alone(&session, alone.as_mut()),
        _ => perform_each(&session, group),
    };
    if result.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

/// A single piece needs no savepoint, which would copy every page that it changes.
fn perform_alone(session: &Session<'_>, work: &mut dyn Work) -> rusqlite::Result<()> {
    match work.perform(session) {
        Ok(()) => commit(session.connection),
        Err(Undo) => Err(undone()),
    }
}

fn perform_each(session: &Session<'_>, group: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
    let connection = session.connection;
    for work in group {
        connection.prepare_cached("SAVEPOINT work")?.execute([])?;
        if let Err(Undo) = work.perform(session) {
            // After some errors, such as a full disk, SQLite undoes the whole transaction and not only what failed.
            if connection.is_autocommit() {
                return Err(undone());
            }
            connection.prepare_cached("ROLLBACK TO work")?.execute([])?;
            session.changes.take();
        }
        connection.prepare_cached("RELEASE work")?.execute([])?;
    }
    commit(connection)
}

fn commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// What the others of a transaction are told that was undone: the piece that failed knows better.
fn undone() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT), None)
}
