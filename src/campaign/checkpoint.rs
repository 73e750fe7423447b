//! How far a campaign is: what it takes to go on after a crash.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::audience::Position;
use super::report::Tally;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::write_whole;
use crate::voucher::CampaignId;

/// The form of the file. A later form reads this one.
const VERSION: u32 = 1;

/// How far a campaign is. Everything before it is written; everything behind it is rendered again, with the same codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    version: u32,
    pub(super) campaign_id: CampaignId,
    /// The template's fingerprint.
    pub(super) template: String,
    /// The audience that is done in this pass, with a hash of its content; nothing at the beginning.
    pub(super) audience: Option<Position>,
    /// How long the output files are.
    pub(super) files: Lengths,
    pub(super) tally: Tally,
    pub(super) seconds: f64,
    /// Where the pass over failed recipients began, while one is under way.
    pub(super) retry: Option<Retry>,
    /// Whether the pass reached the end of the audience.
    pub(super) complete: bool,
}

/// How long each output file is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lengths {
    pub(super) messages: u64,
    pub(super) events: u64,
    pub(super) suppressed: u64,
}

/// A pass over those whose last event is `enqueue_failed`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Retry {
    /// How long the output files were when the pass began: what stands up to there says who is retried.
    pub(super) files: Lengths,
    /// The audience that had outcomes then. What was added to it since is left to the run after this pass.
    pub(super) audience: Option<Position>,
}

impl Checkpoint {
    pub(super) fn beginning(campaign_id: CampaignId, template: String) -> Checkpoint {
        Checkpoint {
            version: VERSION,
            campaign_id,
            template,
            audience: None,
            files: Lengths::default(),
            tally: Tally::default(),
            seconds: 0.0,
            retry: None,
            complete: false,
        }
    }

    /// Reads a checkpoint; `None` where there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Checkpoint>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", path, error)),
        };
        let broken = |what: String| {
            let error = Error::new(
                ErrorKind::InvalidInput,
                format!("{} is no checkpoint of this program: {what}", path.display()),
            );
            error.with_help("choose another output folder; messages rendered again get the same codes")
        };
        let checkpoint: Checkpoint = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if checkpoint.version > VERSION {
            return Err(broken(format!("its version {} is newer than {VERSION}", checkpoint.version)));
        }
        Ok(Some(checkpoint))
    }

    /// Writes the checkpoint so that a crash leaves either the old one or the new one, whole.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let write = || write_whole(path, serde_json::to_string_pretty(self)?.as_bytes());
        write().map_err(|error: std::io::Error| io_error("write", path, error))
    }
}

/// An error of reading or writing a file, with what to do about it.
pub(super) fn io_error(doing: &str, path: &Path, error: std::io::Error) -> Error {
    let help = match error.kind() {
        std::io::ErrorKind::StorageFull => {
            "free some space and run the same command again: it goes on where it stopped"
        }
        std::io::ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
        _ => "check the path, and run the same command again",
    };
    Error::new(ErrorKind::Io, format!("cannot {doing} {}: {error}", path.display())).with_source(error).with_help(help)
}
