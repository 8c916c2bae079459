//! The month run against the hand-written SQL floor, on both databases.
//!
//! `cargo bench --bench month_run -- [--accounts N] [--per-account N] [--only sqlite]`
//!
//! The floor writes invoices and lines; the run also decides, taxes, numbers,
//! digests and keeps an outcome for every account.
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod floor;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use quittance::engine::run::{Progress, Silent};

use support::measure::{Measured, in_own_process, median, per_second, ratio, report};
use support::{Backend, Database, Table, engine, import, sample};

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Usage intervals of each account
    #[arg(long, default_value_t = 30)]
    per_account: u64,
    #[arg(long, default_value = "2")]
    workers: NonZeroUsize,
    /// An odd number; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
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
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    Floor,
    Run,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    match (options.part, &options.url) {
        (Some(Part::Floor), Some(url)) => {
            let mut floor = floor::Floor::open(url).await?;
            let started = Instant::now();
            floor.run().await?;
            report(started)
        }
        (Some(Part::Run), Some(url)) => {
            let engine = engine(url).await?;
            let progress: Arc<dyn Progress> = Arc::new(Silent);
            let started = Instant::now();
            let tally = engine
                .run_month(sample::MONTH.parse()?, options.workers, &progress)
                .await?;
            report(started)?;
            ensure!(
                tally.accounts == options.accounts,
                "{} accounts are settled",
                tally.accounts
            );
            Ok(())
        }
        _ => compare(&options).await,
    }
}

async fn compare(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (catalog, accounts) = (folder.path().join("c.csv"), folder.path().join("a.csv"));
    let usage = folder.path().join("u.csv");
    sample::write_catalog(&catalog)?;
    sample::write_accounts(&accounts, options.accounts)?;
    let intervals = sample::write_usage(&usage, options.accounts, options.per_account)?;
    println!(
        "{} accounts, {intervals} intervals, {} workers, median of {}",
        options.accounts, options.workers, options.rounds
    );
    println!(
        "{:<12}{:>12}{:>12}{:>10}{:>12}{:>12}{:>14}",
        "", "floor s", "run s", "ratio", "lines", "peak MiB", "import rows/s"
    );
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if options.only.is_some_and(|only| only != backend) {
            continue;
        }
        let database = Database::new(backend)?;
        let house = engine(&database.url).await?;
        import(&house, Table::Catalog, &catalog).await?;
        import(&house, Table::Accounts, &accounts).await?;
        let started = Instant::now();
        import(&house, Table::Usage, &usage).await?;
        let imported = started.elapsed();
        house.store.close().await;

        let (mut floors, mut runs) = (Vec::new(), Vec::new());
        let mut lines = 0;
        for _ in 0..options.rounds {
            floor::reset(&database.url).await?;
            floors.push(measure(options, &database, "floor")?);
            let floor_lines = floor::count_lines(&database.url).await?;
            floor::reset(&database.url).await?;
            runs.push(measure(options, &database, "run")?);
            lines = floor::count_lines(&database.url).await?;
            ensure!(
                lines == floor_lines,
                "{lines} lines, the floor {floor_lines}"
            );
        }
        let (floor, run) = (median(floors)?, median(runs)?);
        println!(
            "{:<12}{:>12.2}{:>12.2}{:>9.2}x{lines:>12}{:>12.0}{:>14.0}",
            backend.name(),
            floor.wall.as_secs_f64(),
            run.wall.as_secs_f64(),
            ratio(run.wall, floor.wall),
            run.peak_mib,
            per_second(intervals, imported),
        );
    }
    Ok(())
}

fn measure(options: &Options, database: &Database, part: &str) -> Result<Measured> {
    let accounts = options.accounts.to_string();
    let workers = options.workers.to_string();
    let url = &database.url;
    in_own_process(&[
        "--part",
        part,
        "--url",
        url,
        "--accounts",
        &accounts,
        "--workers",
        &workers,
    ])
}
