//! A file with everything that was known of a pool's vouchers.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Channel, Mode, VoucherRecord};

const HEADER: [&str; 12] = [
    "code",
    "pool",
    "state",
    "customer_id",
    "campaign_id",
    "message_id",
    "channel",
    "mode",
    "assigned_at",
    "expires_at",
    "redeemed_at",
    "metadata",
];

/// A new file of vouchers.
pub(super) struct Archive {
    path: PathBuf,
    rows: Rows,
}

enum Rows {
    Csv(Box<csv::Writer<File>>),
    JsonLines(BufWriter<File>),
}

impl Archive {
    /// Makes the file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it is there already, or cannot be made.
    pub(super) fn create(path: &Path) -> Result<Archive> {
        let shown = path.display();
        let file = File::create_new(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::InvalidInput, format!("the archive '{shown}' is there already"))
                    .with_help("name a file that does not exist")
            }
            _ => {
                Error::new(ErrorKind::InvalidInput, format!("the archive '{shown}' cannot be made")).with_source(error)
            }
        })?;
        let is_json = path.extension().is_some_and(|extension| extension == "jsonl");
        let rows = if is_json {
            Rows::JsonLines(BufWriter::new(file))
        } else {
            let mut writer = csv::Writer::from_writer(file);
            writer.write_record(HEADER).map_err(unwritable)?;
            Rows::Csv(Box::new(writer))
        };
        Ok(Archive { path: path.to_owned(), rows })
    }

    /// Adds vouchers.
    pub(super) fn write(&mut self, vouchers: &[VoucherRecord]) -> Result<()> {
        for voucher in vouchers {
            match &mut self.rows {
                Rows::Csv(writer) => writer.write_record(fields(voucher)?).map_err(unwritable)?,
                Rows::JsonLines(writer) => {
                    serde_json::to_writer(&mut *writer, voucher).map_err(unwritable)?;
                    writer.write_all(b"\n").map_err(unwritable)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the file: when this returns, it is on the disk.
    pub(super) fn finish(&mut self) -> Result<()> {
        match &mut self.rows {
            Rows::Csv(writer) => {
                writer.flush().map_err(unwritable)?;
                writer.get_ref().sync_all().map_err(unwritable)?;
            }
            Rows::JsonLines(writer) => {
                writer.flush().map_err(unwritable)?;
                writer.get_ref().sync_all().map_err(unwritable)?;
            }
        }
        // The name is in the folder, which has to be on the disk, too. Not every system can open a folder.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match File::open(folder.unwrap_or(Path::new("."))) {
            Ok(folder) => folder.sync_all().map_err(unwritable),
            Err(_) => Ok(()),
        }
    }

    /// Takes the file away again. If that fails, too, what went wrong before is what matters.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Io, "the archive cannot be written").with_source(error)
}

fn fields(voucher: &VoucherRecord) -> Result<[String; 12]> {
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    Ok([
        voucher.code.as_str().to_owned(),
        voucher.pool.to_string(),
        voucher.state.as_str().to_owned(),
        voucher.customer_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        voucher.campaign_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        voucher.message_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        voucher.channel.map(Channel::as_str).unwrap_or_default().to_owned(),
        voucher.mode.map(Mode::as_str).unwrap_or_default().to_owned(),
        time(voucher.assigned_at),
        time(voucher.expires_at),
        time(voucher.redeemed_at),
        serde_json::to_string(&voucher.metadata).map_err(unwritable)?,
    ])
}
