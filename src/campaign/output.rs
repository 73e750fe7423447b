//! The folder that a campaign writes.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::checkpoint::{Checkpoint, Lengths, io_error};
use super::outcome::{Outcome, Reason, Status};
use super::report::Report;
use super::written::{CHECKPOINT, EVENTS, LOCK, MESSAGES, REPORT, SUPPRESSED, WrittenEvent, WrittenSuppressed};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::hash;
use crate::voucher::CampaignId;

/// The folder of one campaign, held by one process at a time.
#[derive(Debug)]
pub(super) struct OutputFolder {
    folder: PathBuf,
    messages: Lines,
    events: Lines,
    suppressed: Lines,
    /// Keeps the lock until the folder is closed.
    _lock: File,
}

/// A file of JSON lines that grows.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: File,
    length: u64,
    unwritten: Vec<u8>,
}

impl OutputFolder {
    /// Opens the folder for a campaign, makes it if need be, and cuts the files back to the checkpoint.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the folder belongs to another campaign or template, or holds other files of these
    /// names; [`ErrorKind::Refused`] while another process writes it.
    pub(super) fn open(folder: &Path, id: &CampaignId, template: &str) -> Result<(OutputFolder, Checkpoint)> {
        std::fs::create_dir_all(folder).map_err(|error| io_error("make", folder, error))?;
        let lock = lock(folder)?;
        let found = OutputFolder::check(folder, id, template)?;
        let checkpoint = found.unwrap_or_else(|| Checkpoint::beginning(id.clone(), template.to_owned()));
        // Before the files, which without a checkpoint would be somebody else's.
        checkpoint.write(&folder.join(CHECKPOINT))?;
        let Lengths { messages, events, suppressed } = checkpoint.files;
        let output = OutputFolder {
            folder: folder.to_owned(),
            messages: Lines::open(folder.join(MESSAGES), messages)?,
            events: Lines::open(folder.join(EVENTS), events)?,
            suppressed: Lines::open(folder.join(SUPPRESSED), suppressed)?,
            _lock: lock,
        };
        Ok((output, checkpoint))
    }

    /// Checks that the folder is this campaign's or nobody's, and gives its checkpoint, if it has one.
    pub(super) fn check(folder: &Path, id: &CampaignId, template: &str) -> Result<Option<Checkpoint>> {
        if folder.is_file() {
            let error = Error::new(ErrorKind::InvalidInput, format!("{} is a file, not a folder", folder.display()));
            return Err(error.with_help("choose another output folder"));
        }
        let found = Checkpoint::read(&folder.join(CHECKPOINT))?;
        check_owner(folder, found.as_ref(), id, template)?;
        Ok(found)
    }

    /// Adds an outcome to the files it belongs in.
    pub(super) fn add(&mut self, outcome: &Outcome) -> Result<()> {
        match outcome.status() {
            Status::Rendered => self.messages.add(&outcome.without_event())?,
            Status::Suppressed => self.suppressed.add(&outcome.without_event())?,
            Status::EnqueueFailed => {}
        }
        outcome.event().map_or(Ok(()), |event| self.events.add(&event))
    }

    /// Hands what was added to the system: one write a file.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.messages.flush()?;
        self.events.flush()?;
        self.suppressed.flush()
    }

    /// Makes everything durable up to here, and says so in the checkpoint.
    pub(super) fn commit(&mut self, checkpoint: &mut Checkpoint) -> Result<()> {
        self.flush()?;
        for lines in [&self.messages, &self.events, &self.suppressed] {
            lines.file.sync_data().map_err(|error| io_error("write", &lines.path, error))?;
        }
        checkpoint.files = self.lengths();
        checkpoint.write(&self.folder.join(CHECKPOINT))
    }

    pub(super) fn lengths(&self) -> Lengths {
        let (messages, events, suppressed) = (self.messages.length, self.events.length, self.suppressed.length);
        Lengths { messages, events, suppressed }
    }

    pub(super) fn write_report(&self, report: &Report) -> Result<()> {
        let path = self.folder.join(REPORT);
        let write = || -> std::io::Result<()> {
            let mut text = serde_json::to_string_pretty(report)?;
            text.push('\n');
            std::fs::write(&path, text)
        };
        write().map_err(|error| io_error("write", &path, error))
    }

    /// The customers whose last outcome within these lengths is `enqueue_failed`, by the hash of their id, with the reason.
    pub(super) fn failed(&self, files: Lengths) -> Result<HashMap<u64, Reason>> {
        OutputFolder::failed_in(&self.folder, files)
    }

    /// The same for a folder that somebody else may write.
    pub(super) fn failed_in(folder: &Path, files: Lengths) -> Result<HashMap<u64, Reason>> {
        let mut failed = HashMap::new();
        each_line(&folder.join(EVENTS), files.events, |event: WrittenEvent| {
            let Some(customer) = event.customer_id else { return };
            match event.properties.reason {
                Some(reason) => failed.insert(hash(&customer), reason),
                None => failed.remove(&hash(&customer)),
            };
        })?;
        // Whoever was suppressed in a retry has no later event.
        each_line(&folder.join(SUPPRESSED), files.suppressed, |outcome: WrittenSuppressed| {
            if let Some(customer) = outcome.customer_id {
                failed.remove(&hash(&customer));
            }
        })?;
        Ok(failed)
    }
}

impl Lines {
    fn open(path: PathBuf, length: u64) -> Result<Lines> {
        let open = || -> std::io::Result<File> {
            let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
            if file.metadata()?.len() < length {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::UnexpectedEof,
                    "it is shorter than its checkpoint says",
                ));
            }
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(|error| io_error("open", &path, error))?;
        Ok(Lines { path, file, length, unwritten: Vec::new() })
    }

    fn add(&mut self, line: &impl Serialize) -> Result<()> {
        let start = self.unwritten.len();
        serde_json::to_writer(&mut self.unwritten, line)
            .map_err(|error| Error::new(ErrorKind::Io, "an outcome cannot be written as JSON").with_source(error))?;
        self.unwritten.push(b'\n');
        self.length += (self.unwritten.len() - start) as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.unwritten).map_err(|error| io_error("write", &self.path, error))?;
        self.unwritten.clear();
        Ok(())
    }
}

/// Reads the lines within the first `length` bytes of a file.
fn each_line<T: DeserializeOwned>(path: &Path, length: u64, mut read: impl FnMut(T)) -> Result<()> {
    let file = File::open(path).map_err(|error| io_error("read", path, error))?;
    for line in BufReader::new(file.take(length)).lines() {
        let line = line.map_err(|error| io_error("read", path, error))?;
        read(serde_json::from_str(&line).map_err(|error| {
            let problem = format!("{} holds a line that this program did not write", path.display());
            Error::new(ErrorKind::InvalidInput, problem).with_source(error)
        })?);
    }
    Ok(())
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|error| io_error("write", &path, error))?;
    locked(folder, file.try_lock())?;
    Ok(file)
}

/// Keeps others from writing the folder while it is read, as long as the file lives. A folder that nobody ever wrote has
/// nothing to lock.
pub(super) fn lock_to_read(folder: &Path) -> Result<Option<File>> {
    let Ok(file) = File::open(folder.join(LOCK)) else { return Ok(None) };
    locked(folder, file.try_lock_shared())?;
    Ok(Some(file))
}

fn locked(folder: &Path, lock: std::result::Result<(), TryLockError>) -> Result<()> {
    match lock {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let error = Error::new(ErrorKind::Refused, format!("another process is using {}", folder.display()));
            Err(error.with_help("wait until it ends, or choose another folder"))
        }
        Err(TryLockError::Error(error)) => Err(io_error("lock", folder, error)),
    }
}

fn check_owner(folder: &Path, found: Option<&Checkpoint>, id: &CampaignId, template: &str) -> Result<()> {
    let error = |what: String| Error::new(ErrorKind::InvalidInput, what);
    match found {
        Some(checkpoint) if checkpoint.campaign_id != *id => {
            let owner = &checkpoint.campaign_id;
            Err(error(format!("{} belongs to campaign '{owner}', not to '{id}'", folder.display()))
                .with_help("choose another output folder"))
        }
        Some(checkpoint) if checkpoint.template != template => {
            Err(error(format!("the template changed since {} was begun", folder.display()))
                .with_help("put the template back to go on, or choose another output folder: messages rendered again get the same codes"))
        }
        None if [MESSAGES, EVENTS, SUPPRESSED].iter().any(|name| folder.join(name).exists()) => {
            Err(error(format!("{} holds messages or events but no {CHECKPOINT}", folder.display()))
                .with_help("choose another output folder"))
        }
        _ => Ok(()),
    }
}
