//! A file with everything that was known of a pool's vouchers.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::cli::export::Rows;
use crate::cli::sheet::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::VoucherRecord;

/// A new file of vouchers.
pub(super) struct Archive {
    path: PathBuf,
    rows: Rows<File>,
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
        let form = if is_json { Form::Jsonl } else { Form::Csv };
        let mut rows = Rows::new(file, form, "the archive");
        rows.head::<VoucherRecord>()?;
        Ok(Archive { path: path.to_owned(), rows })
    }

    /// Adds vouchers.
    pub(super) fn write(&mut self, vouchers: &[VoucherRecord]) -> Result<()> {
        vouchers.iter().try_for_each(|voucher| self.rows.write(voucher))
    }

    /// Ends the file: when this returns, it is on the disk.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.rows.finish()?.sync_all().map_err(unwritable)?;
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

fn unwritable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "the archive cannot be written").with_source(error)
}
