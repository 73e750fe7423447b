//! The folder as a whole: which files there are, how far they go, and whose they are.

use std::fs;
use std::io::ErrorKind as Cause;
use std::path::Path;

use super::discrepancy::{Discrepancy, GO_ON, Kind, RESTORE};
use super::lines::JsonLines;
use crate::campaign::checkpoint::{Checkpoint, Lengths, io_error};
use crate::campaign::report::Report;
use crate::campaign::written::{CHECKPOINT, EVENTS, MESSAGES, REPORT, SUPPRESSED, WrittenEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::CampaignId;

/// What the files about the files say.
pub(super) struct Told {
    pub(super) campaign_id: CampaignId,
    pub(super) report: Option<Report>,
}

/// Reads checkpoint and report, and holds the lengths of the files against them.
pub(super) fn read(folder: &Path, found: &mut Vec<Discrepancy>) -> Result<Told> {
    let checkpoint = checkpoint(folder, found)?;
    let report = report(folder, found)?;
    let told = checkpoint.as_ref().map(|checkpoint| checkpoint.campaign_id.clone());
    let told = told.or_else(|| report.as_ref().map(|report| report.campaign_id.clone()));
    let campaign_id = match told {
        Some(id) => id,
        None => of_events(folder)?.ok_or_else(|| not_a_campaign(folder))?,
    };
    if report.as_ref().is_some_and(|report| report.campaign_id != campaign_id) {
        found.push(Discrepancy::new(Kind::Foreign).in_file(REPORT));
    }
    check_lengths(folder, checkpoint.map(|checkpoint| checkpoint.files), found)?;
    Ok(Told { campaign_id, report })
}

fn checkpoint(folder: &Path, found: &mut Vec<Discrepancy>) -> Result<Option<Checkpoint>> {
    match Checkpoint::read(&folder.join(CHECKPOINT)) {
        Ok(Some(checkpoint)) => return Ok(Some(checkpoint)),
        Ok(None) => found.push(Discrepancy::new(Kind::MissingFile).in_file(CHECKPOINT)),
        Err(error) if error.kind() == ErrorKind::Io => return Err(error),
        Err(_) => found.push(broken(CHECKPOINT)),
    }
    Ok(None)
}

fn report(folder: &Path, found: &mut Vec<Discrepancy>) -> Result<Option<Report>> {
    let path = folder.join(REPORT);
    match fs::read(&path) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(report) => return Ok(Some(report)),
            Err(_) => found.push(broken(REPORT)),
        },
        Err(error) if error.kind() == Cause::NotFound => {
            let missing = Discrepancy::new(Kind::MissingFile).in_file(REPORT);
            let problem = "the file is missing: the run did not come to its end";
            found.push(missing.because(problem).remedied_by(GO_ON));
        }
        Err(error) => return Err(io_error("read", &path, error)),
    }
    Ok(None)
}

fn broken(file: &'static str) -> Discrepancy {
    Discrepancy::new(Kind::Broken).in_file(file).because("the file is not one that this program wrote")
}

fn of_events(folder: &Path) -> Result<Option<CampaignId>> {
    let mut events = JsonLines::open(folder, EVENTS)?;
    let first = events.next::<WrittenEvent>(&mut Vec::new())?;
    Ok(first.and_then(|(_, event)| event.properties.campaign_id))
}

fn not_a_campaign(folder: &Path) -> Error {
    let error = Error::new(ErrorKind::InvalidInput, format!("{} holds no output of a campaign", folder.display()));
    error.with_help("name the folder that 'tearoff campaign run --out' wrote")
}

fn check_lengths(folder: &Path, told: Option<Lengths>, found: &mut Vec<Discrepancy>) -> Result<()> {
    let told = |length: fn(Lengths) -> u64| told.map(length);
    let files = [
        (MESSAGES, told(|files| files.messages)),
        (EVENTS, told(|files| files.events)),
        (SUPPRESSED, told(|files| files.suppressed)),
    ];
    for (file, told) in files {
        let path = folder.join(file);
        let kind = match (fs::metadata(&path), told) {
            (Err(error), _) if error.kind() == Cause::NotFound => Kind::MissingFile,
            (Err(error), _) => return Err(io_error("read", &path, error)),
            (Ok(is), Some(told)) if is.len() > told => Kind::Unfinished,
            (Ok(is), Some(told)) if is.len() < told => {
                let problem = format!("the file is {} bytes shorter than its checkpoint says", told - is.len());
                found.push(Discrepancy::new(Kind::Cut).in_file(file).because(problem).remedied_by(RESTORE));
                continue;
            }
            (Ok(_), _) => continue,
        };
        found.push(Discrepancy::new(kind).in_file(file));
    }
    Ok(())
}
