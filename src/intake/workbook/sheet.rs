//! The rows of a sheet, read on a thread that can be left alone with a workbook that never ends.

use std::io::BufReader;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use jiff::civil::DateTime;
use serde_json::Number;

use super::super::invalid;
use super::super::spool::{Spool, SpoolReader};
use super::archive;
use crate::error::{Error, ErrorKind, Result};
use crate::render::suggest::nearest;

/// How long reading may take in all, without the time that the rows are used.
const TIME: Duration = Duration::from_secs(20);

/// How many rows are handed over at once.
const CHUNK: usize = 512;

/// A row with something in it.
#[derive(Debug)]
pub(super) struct SheetRow {
    pub(super) number: u64,
    /// Columns from 0, and what stands there.
    pub(super) cells: Vec<(usize, SheetCell)>,
}

/// What stands in a cell.
#[derive(Debug)]
pub(super) enum SheetCell {
    Text(String),
    Number(Number),
    Date(DateTime),
    Bool(bool),
    /// What a formula that failed shows, such as `#N/A`.
    Failed(String),
    /// A number that none is, or a span of time.
    Odd,
}

/// A sheet that is being read.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) others: Vec<String>,
    source: String,
    messages: Receiver<Result<Message>>,
    rows: std::vec::IntoIter<SheetRow>,
    left: Duration,
    ended: bool,
}

enum Message {
    Opened { name: String, others: Vec<String> },
    Rows(Vec<SheetRow>),
    End,
}

impl Sheet {
    /// Opens the sheet of this name, or the first that is not hidden; `source` stands in errors.
    pub(super) fn open(source: &str, spool: &Spool, name: Option<&str>) -> Result<Sheet> {
        let (sender, messages) = sync_channel(2);
        let (packed, file) = (spool.reader(), spool.reader());
        let (thread_source, wanted) = (source.to_owned(), name.map(str::to_owned));
        let io = |error| Error::new(ErrorKind::Io, format!("cannot read {source}: {error}")).with_source(error);
        let (packed, file) = (packed.map_err(io)?, file.map_err(io)?);
        std::thread::Builder::new()
            .name("workbook".to_owned())
            .spawn(move || {
                let source = thread_source;
                let read = archive::check(&source, packed, Instant::now() + TIME)
                    .and_then(|()| read(&source, file, wanted.as_deref(), &sender));
                // Nobody may be listening any more.
                let _ = sender.send(read.map(|()| Message::End));
            })
            .map_err(io)?;
        let mut sheet = Sheet {
            name: String::new(),
            others: Vec::new(),
            source: source.to_owned(),
            messages,
            rows: Vec::new().into_iter(),
            left: TIME,
            ended: false,
        };
        if let Message::Opened { name, others } = sheet.receive()? {
            (sheet.name, sheet.others) = (name, others);
        }
        Ok(sheet)
    }

    /// The next row, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<SheetRow>> {
        loop {
            match self.rows.next() {
                None if self.ended => return Ok(None),
                None => match self.receive()? {
                    Message::Rows(rows) => self.rows = rows.into_iter(),
                    Message::Opened { .. } | Message::End => self.ended = true,
                },
                row => return Ok(row),
            }
        }
    }

    fn receive(&mut self) -> Result<Message> {
        let began = Instant::now();
        let message = self.messages.recv_timeout(self.left);
        self.left = self.left.saturating_sub(began.elapsed());
        self.ended = !matches!(message, Ok(Ok(_)));
        match message {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => Err(archive::too_slow(&self.source)),
            Err(RecvTimeoutError::Disconnected) => Err(broken(&self.source, &"it cannot be read")),
        }
    }
}

fn broken(source: &str, error: &dyn std::fmt::Display) -> Error {
    invalid(source, format!("the workbook is broken: {error}")).with_help("save it again as .xlsx, or as CSV")
}

/// Hands over the rows until nobody takes them any more.
fn read(source: &str, file: SpoolReader, name: Option<&str>, sender: &SyncSender<Result<Message>>) -> Result<()> {
    let wrong = |error: XlsxError| match error {
        XlsxError::Password => archive::protected(source),
        error => broken(source, &error),
    };
    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(wrong)?;
    let (name, others) = choose(source, &workbook, name)?;
    if sender.send(Ok(Message::Opened { name: name.clone(), others })).is_err() {
        return Ok(());
    }
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(wrong)?;
    let (mut rows, mut row) = (Vec::with_capacity(CHUNK), SheetRow { number: 0, cells: Vec::new() });
    let mut before = None;
    while let Some(cell) = cells.next_cell().map_err(wrong)? {
        // Of two cells in one place, a code would be lost.
        if before.replace(cell.get_position()) >= Some(cell.get_position()) {
            return Err(broken(source, &"its cells are out of order"));
        }
        let (number, column) = (u64::from(cell.get_position().0) + 1, cell.get_position().1 as usize);
        let Some(value) = SheetCell::of(cell.get_value()) else { continue };
        if number != row.number && !row.cells.is_empty() {
            rows.push(std::mem::replace(&mut row, SheetRow { number, cells: Vec::new() }));
            if rows.len() == CHUNK && sender.send(Ok(Message::Rows(std::mem::take(&mut rows)))).is_err() {
                return Ok(());
            }
        }
        row.number = number;
        row.cells.push((column, value));
    }
    rows.extend((!row.cells.is_empty()).then_some(row));
    // Whether anybody takes it no longer matters.
    let _ = sender.send(Ok(Message::Rows(rows)));
    Ok(())
}

/// The sheet to read, and the names of all others.
fn choose(source: &str, workbook: &Xlsx<BufReader<SpoolReader>>, name: Option<&str>) -> Result<(String, Vec<String>)> {
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let all: Vec<&str> = sheets.clone().map(|sheet| sheet.name.as_str()).collect();
    let first = || sheets.clone().find(|sheet| sheet.visible == SheetVisible::Visible).map(|sheet| sheet.name.as_str());
    let chosen = match name {
        Some(name) => all.iter().copied().find(|known| known.to_lowercase() == name.trim().to_lowercase()),
        None => first().or(all.first().copied()),
    };
    match (chosen, name) {
        (Some(chosen), _) => {
            let others = all.iter().filter(|name| **name != chosen).map(|name| (*name).to_owned()).collect();
            Ok((chosen.to_owned(), others))
        }
        (None, None) => {
            Err(invalid(source, "the workbook has no sheet").with_help("save it again as .xlsx, or as CSV"))
        }
        (None, Some(name)) => {
            let error = invalid(source, format!("there is no sheet '{name}'"));
            Err(match nearest(name, all.iter().copied()) {
                Some(near) => error.with_help(format!("did you mean '{near}'?")),
                None => error.with_help(format!("the workbook has {}", all.join(", "))),
            })
        }
    }
}

impl SheetCell {
    fn of(value: &DataRef<'_>) -> Option<SheetCell> {
        Some(match value {
            DataRef::Empty => return None,
            DataRef::String(text) => SheetCell::text(text)?,
            DataRef::SharedString(text) => SheetCell::text(text)?,
            DataRef::Bool(value) => SheetCell::Bool(*value),
            DataRef::Error(error) => SheetCell::Failed(error.to_string()),
            DataRef::Int(number) => SheetCell::Number((*number).into()),
            DataRef::Float(number) => SheetCell::number(*number),
            DataRef::DateTime(moment) if moment.is_duration() => SheetCell::Odd,
            DataRef::DateTime(moment) => {
                let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
                let date = DateTime::new(
                    year.try_into().unwrap_or(0),
                    month.try_into().unwrap_or(0),
                    day.try_into().unwrap_or(0),
                    hour.try_into().unwrap_or(0),
                    minute.try_into().unwrap_or(0),
                    second.try_into().unwrap_or(0),
                    0,
                );
                date.map_or(SheetCell::Odd, SheetCell::Date)
            }
            DataRef::DateTimeIso(text) => text.parse().map_or(SheetCell::Odd, SheetCell::Date),
            DataRef::DurationIso(_) => SheetCell::Odd,
        })
    }

    fn text(text: &str) -> Option<SheetCell> {
        (!text.trim().is_empty()).then(|| SheetCell::Text(text.to_owned()))
    }

    /// Sheets know no whole numbers, but people who read a row do.
    fn number(number: f64) -> SheetCell {
        let whole = number.fract() == 0.0 && number.abs() < 1e15;
        let number = if whole { Some((number as i64).into()) } else { Number::from_f64(number) };
        number.map_or(SheetCell::Odd, SheetCell::Number)
    }
}
