//! Rows as CSV or JSON lines.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::sheet::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{EXPORTED, guarded};
use crate::voucher::{Channel, CustomerId, MessageId, Mode, VoucherRecord};

/// Something that can be a row.
pub(in crate::cli) trait Row: Serialize {
    /// The columns of CSV, as JSON names them.
    const HEADER: &'static [&'static str];

    /// The cells in the order of the header.
    fn cells(&self) -> Vec<Cow<'_, str>>;
}

/// A growing file of rows.
pub(in crate::cli) struct Rows<W: Write> {
    writer: Writer<W>,
    /// What stands in errors.
    name: &'static str,
    has_header: bool,
}

enum Writer<W: Write> {
    Csv(Box<csv::Writer<W>>),
    JsonLines(BufWriter<W>),
}

impl<W: Write> Rows<W> {
    pub(in crate::cli) fn new(writer: W, form: Form, name: &'static str) -> Rows<W> {
        let writer = match form {
            Form::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(writer))),
            Form::Jsonl => Writer::JsonLines(BufWriter::new(writer)),
        };
        Rows { writer, name, has_header: false }
    }

    /// Writes the columns' names, if that was not done; it is done before the first row.
    pub(in crate::cli) fn head<R: Row>(&mut self) -> Result<()> {
        let name = self.name;
        match &mut self.writer {
            Writer::Csv(writer) if !self.has_header => {
                writer.write_record(R::HEADER).map_err(|error| csv_error(name, error))?;
            }
            _ => {}
        }
        self.has_header = true;
        Ok(())
    }

    pub(in crate::cli) fn write<R: Row>(&mut self, row: &R) -> Result<()> {
        self.head::<R>()?;
        let name = self.name;
        match &mut self.writer {
            Writer::Csv(writer) => {
                let cells = row.cells();
                let cells = cells.iter().map(|cell| guarded(cell));
                writer.write_record(cells.map(|cell| cell.as_bytes().to_vec())).map_err(|error| csv_error(name, error))
            }
            Writer::JsonLines(writer) => {
                serde_json::to_writer(&mut *writer, row).map_err(|error| unwritable(name, error.into()))?;
                writer.write_all(b"\n").map_err(|error| unwritable(name, error))
            }
        }
    }

    /// Hands all rows over to the system, and gives what they were written to.
    pub(in crate::cli) fn finish(&mut self) -> Result<&W> {
        let name = self.name;
        match &mut self.writer {
            Writer::Csv(writer) => {
                writer.flush().map_err(|error| unwritable(name, error))?;
                Ok(writer.get_ref())
            }
            Writer::JsonLines(writer) => {
                writer.flush().map_err(|error| unwritable(name, error))?;
                Ok(writer.get_ref())
            }
        }
    }
}

fn csv_error(name: &str, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unwritable(name, error),
        _ => unwritable(name, io::ErrorKind::InvalidData.into()),
    }
}

fn unwritable(name: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{name} cannot be written")).with_source(error)
}

/// A moment as a cell.
pub(super) fn time(time: Option<Timestamp>) -> Cow<'static, str> {
    time.map(|time| time.to_string()).unwrap_or_default().into()
}

impl Row for VoucherRecord {
    const HEADER: &'static [&'static str] = EXPORTED;

    fn cells(&self) -> Vec<Cow<'_, str>> {
        let metadata = serde_json::Value::Object(self.metadata.clone());
        vec![
            self.code.as_str().into(),
            self.pool.as_str().into(),
            self.state.as_str().into(),
            self.customer_id.as_ref().map(CustomerId::as_str).unwrap_or_default().into(),
            self.campaign_id.as_ref().map(ToString::to_string).unwrap_or_default().into(),
            self.message_id.as_ref().map(MessageId::as_str).unwrap_or_default().into(),
            self.channel.map(Channel::as_str).unwrap_or_default().into(),
            self.mode.map(Mode::as_str).unwrap_or_default().into(),
            time(self.assigned_at),
            time(self.expires_at),
            time(self.redeemed_at),
            metadata.to_string().into(),
        ]
    }
}
