//! Importing usage, every check included, against the store alone: the same
//! rows, made in memory, through the same bulk writer.
//!
//! `cargo bench --bench import -- [--accounts N] [--per-account N] [--only sqlite]`
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use quittance::domain::calendar::Instant as At;
use quittance::domain::ids::{AccountId, SkuId};
use quittance::on;
use quittance::store::rows::UsageRow;

use support::measure::{in_own_process, per_second, ratio, report};
use support::{Backend, Database, Table, engine, import, sample};

/// As many as the import sends at a time.
const ROWS_PER_CHUNK: u64 = 100_000;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Usage intervals of each account
    #[arg(long, default_value_t = 30)]
    per_account: u64,
    #[arg(long)]
    only: Option<Backend>,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Measure one part, in this process
    #[arg(long, hide = true, value_name = "PART", requires = "url")]
    part: Option<Part>,
    #[arg(long, hide = true)]
    url: Option<String>,
    #[arg(long, hide = true)]
    file: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    Store,
    Import,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    match (options.part, &options.url, &options.file) {
        (Some(Part::Store), Some(url), _) => store(&options, url).await,
        (Some(Part::Import), Some(url), Some(file)) => whole(&options, url, file).await,
        _ => compare(&options),
    }
}

fn compare(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("usage.csv");
    let rows = sample::write_usage(&file, options.accounts, options.per_account)?;
    println!("{rows} rows of {} accounts", options.accounts);
    println!(
        "{:<12}{:>14}{:>15}{:>10}{:>12}{:>15}",
        "", "store rows/s", "import rows/s", "ratio", "peak MiB", "again rows/s"
    );
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if options.only.is_some_and(|only| only != backend) {
            continue;
        }
        let measure = |database: &Database, part: &str| {
            let (accounts, each) = (
                options.accounts.to_string(),
                options.per_account.to_string(),
            );
            let file = file.to_string_lossy();
            in_own_process(&[
                "--part",
                part,
                "--url",
                &database.url,
                "--file",
                &file,
                "--accounts",
                &accounts,
                "--per-account",
                &each,
            ])
        };
        let store = measure(&Database::new(backend)?, "store")?;
        let database = Database::new(backend)?;
        let import = measure(&database, "import")?;
        // The same file once more: nothing is added.
        let again = measure(&database, "import")?;
        println!(
            "{:<12}{:>14.0}{:>15.0}{:>9.2}x{:>12.0}{:>15.0}",
            backend.name(),
            per_second(rows, store.wall),
            per_second(rows, import.wall),
            ratio(import.wall, store.wall),
            import.peak_mib,
            per_second(rows, again.wall),
        );
    }
    Ok(())
}

async fn whole(options: &Options, url: &str, file: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (catalog, accounts) = (folder.path().join("c.csv"), folder.path().join("a.csv"));
    sample::write_catalog(&catalog)?;
    sample::write_accounts(&accounts, options.accounts)?;
    let house = engine(url).await?;
    import(&house, Table::Catalog, &catalog).await?;
    import(&house, Table::Accounts, &accounts).await?;
    let started = Instant::now();
    let imported = import(&house, Table::Usage, file).await?;
    report(started)?;
    let rows = options.accounts * options.per_account;
    ensure!(imported.added + imported.unchanged == rows, "{imported:?}");
    Ok(())
}

async fn store(options: &Options, url: &str) -> Result<()> {
    let house = engine(url).await?;
    let rows = options.accounts * options.per_account;
    let started = Instant::now();
    let mut tx = house.store.begin().await?;
    for first in (0..rows).step_by(usize::try_from(ROWS_PER_CHUNK)?) {
        let last = rows.min(first + ROWS_PER_CHUNK);
        let mut chunk = (first..last)
            .map(|n| row(n, options.accounts))
            .collect::<Result<Vec<_>>>()?;
        chunk.sort_unstable_by_key(|row| row.account);
        on!(&mut tx, conn, q => q::insert_new_usage(conn, &chunk).await)?;
    }
    tx.commit().await?;
    report(started)
}

fn row(n: u64, accounts: u64) -> Result<UsageRow> {
    let (nth, turn) = (n / accounts, n % accounts);
    let account = (turn * 1_000_003 + nth * 104_729) % accounts;
    let started_at = i64::try_from(nth)? * 80_000_000_000;
    Ok(UsageRow {
        line: 0,
        event_id: format!("evt-{account:07}-{nth:03}"),
        account: AccountId(i64::try_from(account)? + 1),
        app: format!("app-{}", nth % 3),
        sku: SkuId(1 + i64::try_from(n % 11)?),
        quantity: 1,
        started_at: At(started_at),
        ended_at: Some(At(started_at + 3_600_000_000)),
    })
}
