//! A file of codes, ready to be read.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;

use flate2::bufread::MultiGzDecoder;

use super::csv::CsvRows;
use super::encoding::TextEncoding;
use super::format::Format;
use super::input::{BUFFER, open_file};
use super::json_lines::JsonRows;
use super::lines::unreadable;
use super::reading::{Kind, Reading, Shape};
use super::remote::{Downloaded, download};
use super::spool::Spool;
use super::text::TextRows;
use super::workbook::{self, WorkbookRows};
use super::{Input, Lines, Options, invalid};
use crate::error::{Error, ErrorKind, Result};

/// How much is looked at to find out what a text is.
const SAMPLE: u64 = 256 << 10;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZIP: &[u8] = b"PK\x03\x04";
/// What Excel wrote before .xlsx, and writes around a workbook with a password.
const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// A file of codes that is here, wherever it came from.
///
/// ```
/// use tearoff::intake::{Input, Options, Source};
///
/// let source = Source::of_file("examples/spring-sale/spring-codes.csv".as_ref())?;
/// let first = source.open(&Options::default())?.next().expect("there are rows")?;
/// assert_eq!(first.line, 2);
/// # Ok::<(), tearoff::Error>(())
/// ```
pub struct Source {
    name: String,
    format: Option<Format>,
    place: Place,
}

enum Place {
    File(PathBuf),
    Copy(Spool),
    Standard,
}

impl Source {
    /// The file at a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where its name tells a format that is not known.
    pub fn of_file(path: &std::path::Path) -> Result<Source> {
        let format = Format::of_path(path)?;
        Ok(Source { name: path.display().to_string(), format, place: Place::File(path.to_owned()) })
    }

    /// What `input` names. A file of another machine is fetched whole, up to 1 GiB, before anything is read from it.
    ///
    /// # Errors
    /// As for [`Source::of_file`]; [`ErrorKind::InvalidInput`] where a file cannot be fetched.
    pub async fn of(input: &Input) -> Result<Source> {
        match input {
            Input::File(path) => Source::of_file(path),
            Input::Url(file) => {
                let (name, file) = (file.to_string(), file.clone());
                let fetched = tokio::task::spawn_blocking(move || download(&file)).await;
                let Downloaded { spool, format } = fetched.map_err(|error| {
                    Error::new(ErrorKind::Io, format!("{name}: the download was ended")).with_source(error)
                })??;
                Ok(Source { name, format, place: Place::Copy(spool) })
            }
            Input::Standard => Ok(Source { name: input.to_string(), format: None, place: Place::Standard }),
        }
    }

    /// A file that somebody sends, which is kept before anything is read from it; nothing where it has more bytes than `limit`.
    /// `name` stands in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be kept.
    pub fn of_bytes(name: &str, format: Format, bytes: impl Read, limit: u64) -> Result<Option<Source>> {
        let spool = Spool::fill(bytes, limit).map_err(|error| {
            Error::new(ErrorKind::Io, format!("{name} cannot be kept: {error}"))
                .with_help("look whether the folder for temporary files has space")
                .with_source(error)
        })?;
        Ok(spool.map(|spool| Source { name: name.to_owned(), format: Some(format), place: Place::Copy(spool) }))
    }

    /// Whether it can be read more than once.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self.place, Place::Standard)
    }

    /// Reads as far as is needed to know what it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it cannot be read, its format is unknown, it is empty, or its header names no column
    /// of codes.
    pub fn open(&self, options: &Options) -> Result<Reading> {
        let mut peeked = self.peek(self.bytes()?)?;
        let gzip = peeked.sample.starts_with(GZIP);
        if gzip {
            peeked = self.peek(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(peeked.bytes))))?;
        }
        let shape = Shape::new(gzip);
        if peeked.sample.starts_with(COMPOUND) {
            return Err(workbook::protected(&self.name));
        }
        if peeked.sample.starts_with(ZIP) {
            let spool = self.workbook(gzip, peeked.bytes)?;
            let rows = WorkbookRows::open(&self.name, &spool, options)?;
            return Ok(Reading::new(shape, Kind::Workbook(rows)));
        }
        if self.format == Some(Format::Xlsx) {
            return Err(invalid(&self.name, "this is no Excel workbook, whatever its name says")
                .with_help("name it after what it is: .csv, .tsv, .txt or .jsonl"));
        }
        self.text(peeked, shape, options)
    }

    fn text(&self, peeked: Peeked, shape: Shape, options: &Options) -> Result<Reading> {
        let encoding = match &options.encoding {
            Some(label) => TextEncoding::named(label)?,
            None => TextEncoding::of(&peeked.sample, (peeked.sample.len() as u64) < SAMPLE),
        };
        let shape = shape.with_encoding(encoding);
        let lines = Lines::new(&self.name, encoding.decoded(peeked.bytes)).with_guessed_encoding(encoding.guessed);
        let kind = match self.format {
            Some(Format::JsonLines) => Kind::Json(JsonRows::open(lines, options)?),
            Some(Format::Text) => text_kind(lines, options)?,
            Some(_) => Kind::Csv(CsvRows::open(lines, options)?),
            None => kind_by_content(lines, options)?,
        };
        Ok(Reading::new(shape, kind))
    }

    /// A workbook has to be read from back to front.
    fn workbook(&self, gzip: bool, bytes: impl Read) -> Result<Spool> {
        match &self.place {
            Place::File(path) if !gzip => open_file(path).map(Spool::from).map_err(|error| self.io(error)),
            Place::Copy(spool) if !gzip => Ok(spool.clone()),
            _ => match Spool::fill(bytes, workbook::LIMIT) {
                Ok(Some(spool)) => Ok(spool),
                Ok(None) => Err(invalid(&self.name, "the workbook is larger than 200 MiB")
                    .with_help("save the sheet with the codes as CSV, which may be of any size")),
                Err(error) => Err(unreadable(&self.name, 1, error)),
            },
        }
    }

    fn bytes(&self) -> Result<Box<dyn BufRead + Send>> {
        match &self.place {
            Place::Standard => Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin()))),
            Place::File(path) => Ok(Box::new(BufReader::with_capacity(BUFFER, self.file(path)?))),
            Place::Copy(spool) => {
                let reader = spool.reader().map_err(|error| self.io(error))?;
                Ok(Box::new(BufReader::with_capacity(BUFFER, reader)))
            }
        }
    }

    fn file(&self, path: &std::path::Path) -> Result<File> {
        open_file(path).map_err(|error| Input::cannot_open(&self.name, error))
    }

    fn peek(&self, mut bytes: Box<dyn BufRead + Send>) -> Result<Peeked> {
        let mut sample = Vec::new();
        (&mut bytes).take(SAMPLE).read_to_end(&mut sample).map_err(|error| unreadable(&self.name, 1, error))?;
        let bytes = Box::new(Cursor::new(sample.clone()).chain(bytes));
        Ok(Peeked { sample, bytes })
    }

    fn io(&self, error: io::Error) -> Error {
        Error::new(ErrorKind::Io, format!("cannot read {}: {error}", self.name)).with_source(error)
    }
}

/// Bytes, the first of which were looked at.
struct Peeked {
    sample: Vec<u8>,
    bytes: Box<dyn BufRead + Send>,
}

fn text_kind(mut lines: Lines, options: &Options) -> Result<Kind> {
    Ok(match TextRows::has_columns(&mut lines, options)? {
        true => Kind::Csv(CsvRows::open(lines, options)?),
        false => Kind::Text(TextRows::open(lines, options)?),
    })
}

fn kind_by_content(mut lines: Lines, options: &Options) -> Result<Kind> {
    let is_json = lines.peek()?.is_some_and(|line| line.trim_start().starts_with('{'));
    Ok(if is_json { Kind::Json(JsonRows::open(lines, options)?) } else { Kind::Csv(CsvRows::open(lines, options)?) })
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}
