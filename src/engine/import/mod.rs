//! Files coming in: accounts, prices and usage. A file with a bad row is
//! refused whole, in one transaction, unless the bad rows are to be set aside.
//!
//! - [`table`]: CSV, line by line, with the place of every error
//! - [`accounts`], [`catalog`], [`usage`]: the three kinds of files
//! - [`events`]: usage as JSON lines of CloudEvents
//! - [`batch`]: the same events, as they happen

mod accounts;
mod batch;
mod catalog;
mod checks;
mod events;
mod late;
mod raw;
mod table;
mod usage;

use std::path::Path;

use crate::store::StoreError;

pub use batch::{BadEvent, Batch, BatchError, Reception, Taken};

/// Why a file could not be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{path} cannot be read: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}, line 1: {reason}")]
    Header { path: String, reason: String },
    #[error("the bad rows cannot be written: {0}")]
    Reject(std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reading thread stopped without a word")]
    Worker,
}

impl ImportError {
    fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.display().to_string(),
            source,
        }
    }
}

/// What is wrong in one column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The column's name; `-` when the row as a whole is broken.
    pub column: String,
    pub value: String,
    pub reason: String,
}

impl Problem {
    pub fn new(column: &str, value: impl Into<String>, reason: impl ToString) -> Self {
        Self {
            column: column.to_owned(),
            value: value.into(),
            reason: reason.to_string(),
        }
    }

    pub fn row(reason: impl ToString) -> Self {
        Self::new("-", "", reason)
    }
}

/// Bad rows are passed on once they take so many bytes.
const BAD_BYTES_MAX: usize = 16 << 20;
/// Rows between two looks at those bytes, which are added up anew.
const ROWS_PER_LOOK: u64 = 256;

/// A row that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Counted from 1, the header included.
    pub line: u64,
    pub problems: Vec<Problem>,
    /// The row as it stands in the file.
    pub raw: Vec<u8>,
}

impl BadRow {
    /// The memory that its texts take.
    fn bytes(&self) -> usize {
        let texts = |problem: &Problem| problem.value.len() + problem.reason.len();
        self.raw.len() + self.problems.iter().map(texts).sum::<usize>()
    }
}

/// Is told of every bad row, in the order of the file.
pub trait BadRows: Send {
    /// # Errors
    /// When the row cannot be set aside; the import then stops.
    fn bad(&mut self, row: &BadRow) -> std::io::Result<()>;
}

/// Is told how far the file is read.
pub trait ImportProgress: Send + Sync {
    fn read(&self, bytes: u64, rows: u64);
}

/// What to do with a file that has bad rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBadRows {
    /// Import nothing.
    RefuseFile,
    /// Import the good rows.
    SetAside,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub rows: u64,
    pub added: u64,
    /// Known rows that changed: a new version of an account, an interval that
    /// ended.
    pub updated: u64,
    pub unchanged: u64,
    pub bad: u64,
    /// Pieces of usage of settled periods, kept for the next invoice.
    pub late: u64,
    /// New or changed customers in the EU whose VAT number is not valid.
    pub invalid_vat_numbers: u64,
    /// Whether nothing was written because of the bad rows.
    pub refused: bool,
}

/// A file and how to import it.
pub struct Import<'a> {
    pub path: &'a Path,
    pub on_bad_rows: OnBadRows,
    pub bad_rows: &'a mut dyn BadRows,
    pub progress: std::sync::Arc<dyn ImportProgress>,
}

impl Import<'_> {
    /// Passes bad rows on and counts them.
    fn take_bad(
        &mut self,
        report: &mut ImportReport,
        mut bad: Vec<BadRow>,
    ) -> Result<(), ImportError> {
        bad.sort_by_key(|row| row.line);
        for row in &bad {
            report.bad += 1;
            self.bad_rows.bad(row).map_err(ImportError::Reject)?;
        }
        Ok(())
    }

    /// Commits, or takes everything back when the file is refused.
    async fn end(
        &self,
        tx: crate::store::Tx,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        if report.bad > 0 && self.on_bad_rows == OnBadRows::RefuseFile {
            report.refused = true;
            report.added = 0;
            report.updated = 0;
            report.late = 0;
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Rows read together.
struct Chunk<T> {
    rows: Vec<T>,
    bad: Vec<BadRow>,
    /// Data rows read, good, bad or repeated.
    read: u64,
    /// Rows that say what an earlier row of the file said.
    repeated: u64,
}

impl<T> Default for Chunk<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            bad: Vec::new(),
            read: 0,
            repeated: 0,
        }
    }
}

impl<T> Chunk<T> {
    /// Whether it is time to hand the chunk on: it has its rows, or the texts of
    /// its bad ones, up to 64 KiB each, fill the memory.
    fn is_full(&self, rows_max: usize) -> bool {
        let bad_bytes = || self.bad.iter().map(BadRow::bytes).sum::<usize>();
        self.rows.len() + self.bad.len() >= rows_max
            || (self.read.is_multiple_of(ROWS_PER_LOOK) && bad_bytes() >= BAD_BYTES_MAX)
    }
}
