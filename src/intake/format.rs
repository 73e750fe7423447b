//! What kind of file holds the codes.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::invalid;
use crate::error::{Error, Result};

const KNOWN: &str = "a file of vouchers ends in .csv, .tsv, .txt, .jsonl or .xlsx, and perhaps .gz behind that";

/// What kind of file holds the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text with a header, or a single column without one.
    Csv,
    /// A code on each line.
    Text,
    /// A JSON object, or a code as a JSON string, on each line.
    JsonLines,
    /// An Excel workbook.
    Xlsx,
}

impl Format {
    /// The format that a file's name tells; `None` where the name has no extension.
    pub(super) fn of_path(path: &Path) -> Result<Option<Format>> {
        match extension(path) {
            None => Ok(None),
            Some(extension) => match Format::of_extension(&extension) {
                Some(format) => Ok(Some(format)),
                None => Err(unknown(&path.display().to_string(), KNOWN)),
            },
        }
    }

    pub(super) fn of_extension(extension: &str) -> Option<Format> {
        match extension {
            "csv" | "tsv" => Some(Format::Csv),
            "txt" => Some(Format::Text),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            "xlsx" => Some(Format::Xlsx),
            _ => None,
        }
    }

    /// The format that a content type tells; many tell only that it is something.
    pub fn of_content_type(content_type: &str) -> Option<Format> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" | "application/csv" | "text/tab-separated-values" => Some(Format::Csv),
            "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => Some(Format::JsonLines),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some(Format::Xlsx),
            _ => None,
        }
    }
}

/// What follows the last dot of a file's name, in lower case, the one of a compressed file left out.
pub(super) fn extension(path: &Path) -> Option<String> {
    let lower = path.file_name()?.to_string_lossy().to_lowercase();
    let plain = lower.strip_suffix(".gz").unwrap_or(&lower);
    Some(Path::new(plain).extension()?.to_string_lossy().into_owned())
}

pub(super) fn unknown(name: &str, help: &str) -> Error {
    invalid(name, "the format is not known by the file's name").with_help(help.to_owned())
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "delimited text",
            Format::Text => "a code on each line",
            Format::JsonLines => "JSON lines",
            Format::Xlsx => "Excel workbook",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format() {
        let format = |name: &str| Format::of_path(Path::new(name));
        for (name, expected) in [
            ("a.csv", Format::Csv),
            ("a.b/CODES.TSV", Format::Csv),
            ("a.txt.gz", Format::Text),
            ("a.ndjson", Format::JsonLines),
            ("a.XLSX.GZ", Format::Xlsx),
        ] {
            assert_eq!(format(name).unwrap(), Some(expected), "{name}");
        }
        for name in ["codes", "codes.gz", "a.b/codes"] {
            assert_eq!(format(name).unwrap(), None, "{name}");
        }
        assert_eq!(
            format("codes.pdf").unwrap_err().to_string(),
            "codes.pdf: the format is not known by the file's name"
        );
    }

    #[test]
    fn a_server_tells_the_format() {
        assert_eq!(Format::of_content_type("Text/CSV; charset=utf-8"), Some(Format::Csv));
        assert_eq!(Format::of_content_type("application/x-ndjson"), Some(Format::JsonLines));
        for vague in ["text/plain", "application/octet-stream", "application/gzip", ""] {
            assert_eq!(Format::of_content_type(vague), None, "{vague}");
        }
    }
}
