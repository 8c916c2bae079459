//! What the benches share: sample platforms, throw-away databases, and a
//! stopwatch that measures a part in a process of its own, so that its peak
//! memory is its own too.
#![allow(dead_code, reason = "each bench takes its part")]

pub mod debtors;
pub mod direct_debit;
pub mod measure;
#[path = "../../tests/suite/support/postgres.rs"]
mod postgres;
pub mod sample;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::engine::import::{BadRow, BadRows, Import, ImportProgress, ImportReport, OnBadRows};
use quittance::engine::run::Engine;
use quittance::store::{IfMissing, Store};
use tempfile::TempDir;

/// A server as production has it, sized for this machine: durable, unlike the
/// tests'.
const POSTGRES_SETTINGS: &str =
    "-c shared_buffers=1GB -c max_wal_size=8GB -c checkpoint_timeout=30min";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    Postgres,
    Sqlite,
}

impl Backend {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// An empty database that goes when it is dropped.
pub struct Database {
    pub url: String,
    _folder: Option<TempDir>,
    _cluster: Option<postgres::Cluster>,
}

impl Database {
    pub fn new(backend: Backend) -> Result<Self> {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir()?;
                Ok(Self {
                    url: format!("sqlite:{}", folder.path().join("bench.sqlite").display()),
                    _folder: Some(folder),
                    _cluster: None,
                })
            }
            Backend::Postgres => {
                let cluster = postgres::Cluster::start(POSTGRES_SETTINGS, &[]);
                Ok(Self {
                    url: cluster.url(),
                    _folder: None,
                    _cluster: Some(cluster),
                })
            }
        }
    }
}

/// The engine over a database, a month and a day after the month billed.
pub async fn engine(url: &str) -> Result<Engine> {
    let store = Store::open(url, IfMissing::Create).await?;
    let clock = Clock::Fixed(sample::TODAY.parse()?);
    Ok(Engine::new(store, Config::sample()?, clock))
}

#[derive(Clone, Copy)]
pub enum Table {
    Catalog,
    Accounts,
    Usage,
}

/// Imports a file that has no bad row.
pub async fn import(engine: &Engine, table: Table, path: &Path) -> Result<ImportReport> {
    let import = Import {
        path,
        on_bad_rows: OnBadRows::RefuseFile,
        bad_rows: &mut Loud,
        progress: Arc::new(Silent),
    };
    let report = match table {
        Table::Catalog => engine.import_catalog(import).await,
        Table::Accounts => engine.import_accounts(import).await,
        Table::Usage => engine.import_usage(import).await,
    };
    let report = report.with_context(|| format!("{} is not imported", path.display()))?;
    ensure!(!report.refused, "{} has bad rows", path.display());
    Ok(report)
}

struct Silent;

impl ImportProgress for Silent {
    fn read(&self, _bytes: u64, _rows: u64) {}
}

struct Loud;

impl BadRows for Loud {
    fn bad(&mut self, row: &BadRow) -> std::io::Result<()> {
        eprintln!("bad row: {row:?}");
        Ok(())
    }
}
