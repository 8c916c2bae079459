//! `quittance import`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use super::Global;
use super::print::{Meter, count, counted};
use crate::engine::import::{BadRow, BadRows, Import, ImportProgress, ImportReport, OnBadRows};
use crate::engine::run::Engine;
use crate::{complain, say};

#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// Accounts, from CSV: id,username,email,full_name,company,country,address_line1,postal_code,
    /// city,vat_number,currency,created_at and optionally language (en, fr)
    Accounts(FileArgs),
    /// Prices, from CSV: kind,plan,name,price_per_30_days,currency,valid_from
    Catalog(FileArgs),
    /// Usage, from CSV: id,account,app,kind,type,plan,quantity,started_at,ended_at; or from JSON
    /// lines of CloudEvents 1.0 with the same names in `data` (.json, .jsonl, .ndjson)
    ///
    /// An id names one event, whichever file or source it comes from: CloudEvents make `id` unique
    /// within their `source`, here `source` is no part of it. An id that is known already adds
    /// nothing; with different content it is a bad row, except that a running interval may end.
    Usage(FileArgs),
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The file to import; one with a bad row is refused whole
    file: PathBuf,
    /// Import the good rows and write the bad ones, with their reasons, to this file
    #[arg(long, value_name = "FILE")]
    reject_to: Option<PathBuf>,
}

pub async fn import(global: &Global, args: ImportArgs) -> Result<ExitCode> {
    let engine = global.open_or_create().await?;
    let (kind, file) = match args.kind {
        Kind::Accounts(file) => (Table::Accounts, file),
        Kind::Catalog(file) => (Table::Catalog, file),
        Kind::Usage(file) => (Table::Usage, file),
    };
    let mut sink = Sink::new(&file.file, file.reject_to.as_deref())?;
    let on_bad_rows = match file.reject_to {
        Some(_) => OnBadRows::SetAside,
        None => OnBadRows::RefuseFile,
    };
    let report = import_file(&engine, kind, &file.file, on_bad_rows, &mut sink, false).await?;
    sink.finish()?;
    engine.store.close().await;
    say!("{}", summary(&file.file, &report));
    if let (Some(rejects), 1..) = (&file.reject_to, report.bad) {
        say!(
            "{} set aside in {}",
            counted(report.bad, "bad row"),
            rejects.display()
        );
    }
    if report.invalid_vat_numbers > 0 && !report.refused {
        let numbers = counted(report.invalid_vat_numbers, "VAT number");
        complain!(
            "warning: {numbers} of EU customers not valid: they are billed as consumers, with VAT"
        );
    }
    Ok(if report.refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What a file holds.
#[derive(Debug, Clone, Copy)]
pub enum Table {
    Accounts,
    Catalog,
    Usage,
}

/// Imports one file with a progress bar.
pub async fn import_file(
    engine: &Engine,
    table: Table,
    path: &Path,
    on_bad_rows: OnBadRows,
    bad_rows: &mut dyn BadRows,
    quiet: bool,
) -> Result<ImportReport> {
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    let progress = Arc::new(FileMeter {
        meter: Meter::new("bytes", bytes, quiet),
        at: std::sync::atomic::AtomicU64::new(0),
    });
    let import = Import {
        path,
        on_bad_rows,
        bad_rows,
        progress: progress.clone(),
    };
    let report = match table {
        Table::Accounts => engine.import_accounts(import).await?,
        Table::Catalog => engine.import_catalog(import).await?,
        Table::Usage => engine.import_usage(import).await?,
    };
    progress.meter.finish();
    Ok(report)
}

fn summary(path: &Path, report: &ImportReport) -> String {
    let path = path.display();
    if report.refused {
        return format!(
            "{path}: refused, nothing was imported: {} of {}. --reject-to FILE imports the others.",
            counted(report.bad, "bad row"),
            count(report.rows)
        );
    }
    let mut parts = vec![format!("{} added", count(report.added))];
    if report.updated > 0 {
        parts.push(format!("{} updated", count(report.updated)));
    }
    parts.push(format!("{} known already", count(report.unchanged)));
    if report.bad > 0 {
        parts.push(format!("{} set aside", count(report.bad)));
    }
    if report.late > 0 {
        parts.push(format!(
            "{} late for a settled month and kept for the next invoice",
            count(report.late)
        ));
    }
    format!(
        "{path}: {}: {}",
        counted(report.rows, "row"),
        parts.join(", ")
    )
}

struct FileMeter {
    meter: Meter,
    at: std::sync::atomic::AtomicU64,
}

impl ImportProgress for FileMeter {
    fn read(&self, bytes: u64, _rows: u64) {
        let before = self.at.swap(bytes, std::sync::atomic::Ordering::Relaxed);
        self.meter.advance(bytes.saturating_sub(before));
    }
}

/// Prints every bad row, or writes it to a file.
struct Sink {
    file: String,
    rejects: Option<Rejects>,
}

/// The file of bad rows, opened by the first of them: a mistyped name of the
/// input leaves what an earlier import set aside.
struct Rejects {
    path: PathBuf,
    out: Option<std::fs::File>,
}

const REJECTS_HEADER: &[u8] = b"line,column,value,reason,row\n";

impl Rejects {
    fn new(input: &Path, path: &Path) -> Result<Self> {
        if let (Ok(input), Ok(own)) = (input.canonicalize(), path.canonicalize())
            && input == own
        {
            bail!(
                "--reject-to {} is the file to import, which it would overwrite: name another",
                path.display()
            );
        }
        Ok(Self {
            path: path.to_owned(),
            out: None,
        })
    }

    /// Writes at once, so that a full disk stops the import before it commits.
    fn write(&mut self, rows: &[u8]) -> std::io::Result<()> {
        let written = (|| {
            let out = match &mut self.out {
                Some(out) => out,
                None => {
                    let mut out = std::fs::File::create(&self.path)?;
                    out.write_all(REJECTS_HEADER)?;
                    self.out.insert(out)
                }
            };
            out.write_all(rows)
        })();
        written.map_err(|error: std::io::Error| {
            let reason = format!("{} cannot be written: {error}", self.path.display());
            std::io::Error::new(error.kind(), reason)
        })
    }
}

impl Sink {
    fn new(file: &Path, rejects: Option<&Path>) -> Result<Self> {
        Ok(Self {
            file: file.display().to_string(),
            rejects: rejects.map(|path| Rejects::new(file, path)).transpose()?,
        })
    }

    /// Leaves the header alone where no row was bad: an earlier import's rows
    /// would pass for this one's.
    fn finish(self) -> Result<()> {
        if let Some(mut rejects) = self.rejects {
            rejects.write(b"")?;
        }
        Ok(())
    }
}

impl BadRows for Sink {
    fn bad(&mut self, row: &BadRow) -> std::io::Result<()> {
        let mut rows = Vec::new();
        for problem in &row.problems {
            let (column, value, reason) = (&problem.column, &problem.value, &problem.reason);
            if self.rejects.is_none() {
                complain!("{}:{}: {column} {value:?}: {reason}", self.file, row.line);
                continue;
            }
            write!(rows, "{},", row.line)?;
            for text in [column.as_bytes(), value.as_bytes(), reason.as_bytes()] {
                write_quoted(&mut rows, text)?;
                rows.push(b',');
            }
            // Byte for byte, so that nothing is lost.
            write_quoted(&mut rows, &row.raw)?;
            rows.push(b'\n');
        }
        match &mut self.rejects {
            Some(rejects) => rejects.write(&rows),
            None => Ok(()),
        }
    }
}

fn write_quoted(out: &mut impl std::io::Write, field: &[u8]) -> std::io::Result<()> {
    out.write_all(b"\"")?;
    for part in field.split_inclusive(|byte| *byte == b'"') {
        out.write_all(part)?;
        if part.ends_with(b"\"") {
            out.write_all(b"\"")?;
        }
    }
    out.write_all(b"\"")
}
