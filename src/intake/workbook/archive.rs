//! The container of a workbook, looked through before anything takes it apart.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Instant;

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::invalid;
use super::super::spool::SpoolReader;
use crate::error::Result;

/// How large a workbook may be, packed and unpacked, in bytes.
pub(in crate::intake) const LIMIT: u64 = 200 << 20;

/// A workbook has some dozens of parts; a list of millions would fill the memory before one is read.
const PARTS: u16 = 10_000;

const SPLIT_HELP: &str = "save the sheet with the codes as CSV, which may be of any size";

/// Refuses a container that unpacks to more than [`LIMIT`], whatever it says of its size, or that takes longer than `until`.
pub(super) fn check(name: &str, mut file: SpoolReader, until: Instant) -> Result<()> {
    if file.len() > LIMIT {
        return Err(invalid(name, "the workbook is larger than 200 MiB").with_help(SPLIT_HELP));
    }
    let broken = |error: &dyn std::fmt::Display| {
        invalid(name, format!("the workbook is broken: {error}")).with_help("fetch it again, or save it again as .xlsx")
    };
    if parts(&mut file).map_err(|error| broken(&error))? > PARTS {
        return Err(invalid(name, "the workbook has more than 10,000 parts").with_help(SPLIT_HELP));
    }
    let mut archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
    let mut buffer = vec![0; 64 << 10];
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let mut part = match archive.by_index(index) {
            Ok(part) => part,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => return Err(protected(name)),
            Err(error) => return Err(broken(&error)),
        };
        loop {
            match part.read(&mut buffer).map_err(|error| broken(&error))? {
                0 => break,
                length => unpacked += length as u64,
            }
            if unpacked > LIMIT {
                return Err(invalid(name, "the workbook unpacks to more than 200 MiB").with_help(SPLIT_HELP));
            }
            if Instant::now() > until {
                return Err(too_slow(name));
            }
        }
    }
    Ok(())
}

pub(super) fn too_slow(name: &str) -> crate::Error {
    invalid(name, "the workbook takes longer than 20 seconds to read").with_help(SPLIT_HELP)
}

/// What Excel writes with a password, and what it wrote before .xlsx, look the same from outside.
pub(in crate::intake) fn protected(name: &str) -> crate::Error {
    invalid(name, "this is a workbook of the old kind (.xls), or one with a password")
        .with_help("open it and save it as .xlsx without a password, or as CSV")
}

/// How many parts the end of the container says that there are.
fn parts(file: &mut SpoolReader) -> io::Result<u16> {
    const END: &[u8] = b"PK\x05\x06";
    const LONGEST: u64 = 22 + u16::MAX as u64;
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(file.len().saturating_sub(LONGEST)))?;
    file.read_to_end(&mut tail)?;
    let end = tail.windows(22).rev().find(|bytes| bytes.starts_with(END));
    file.seek(SeekFrom::Start(0))?;
    Ok(end.map_or(0, |end| u16::from_le_bytes([end[10], end[11]])))
}
