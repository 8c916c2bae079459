//! Usage reported over HTTP in batches, each durable before it is answered, against
//! the same events imported from one file in one transaction, and against reading
//! their JSON alone.
//!
//! `cargo bench --bench ingest -- [--accounts N] [--per-account N] [--batch N] [--senders N] [--only sqlite]`
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use quittance::domain::access::Role;
use quittance::engine::access::OperatorRequest;
use quittance::engine::import::Batch;
use quittance::engine::run::Engine;
use quittance::http;
use quittance::store::rows::ByPerson;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use support::measure::{in_own_process, per_second, ratio, report};
use support::{Backend, Database, Table, engine, import, sample};

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 10_000)]
    accounts: u64,
    /// Events of each account
    #[arg(long, default_value_t = 50)]
    per_account: u64,
    /// Events of a batch
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Connections that send at the same time
    #[arg(long, default_value_t = 4)]
    senders: usize,
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
    Parse,
    Import,
    Report,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    match (options.part, &options.url) {
        (Some(Part::Parse), _) => parse(&options),
        (Some(Part::Import), Some(url)) => whole(&options, url).await,
        (Some(Part::Report), Some(url)) => reported(&options, url).await,
        _ => compare(&options),
    }
}

fn compare(options: &Options) -> Result<()> {
    let events = options.accounts * options.per_account;
    println!(
        "{events} events of {} accounts in batches of {}",
        options.accounts, options.batch
    );
    println!(
        "{:<12}{:>14}{:>15}{:>15}{:>12}{:>12}{:>15}",
        "", "parse ev/s", "import ev/s", "report ev/s", "to import", "peak MiB", "again ev/s"
    );
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if options.only.is_some_and(|only| only != backend) {
            continue;
        }
        let numbers = [
            options.accounts.to_string(),
            options.per_account.to_string(),
            options.batch.to_string(),
            options.senders.to_string(),
        ];
        let measure = |database: &Database, part: &str| {
            let names = ["--accounts", "--per-account", "--batch", "--senders"];
            let mut args = vec!["--part", part, "--url", &database.url];
            for (name, number) in names.into_iter().zip(&numbers) {
                args.extend([name, number.as_str()]);
            }
            in_own_process(&args)
        };
        let database = Database::new(backend)?;
        let parse = measure(&database, "parse")?;
        let import = measure(&database, "import")?;
        let database = Database::new(backend)?;
        let report = measure(&database, "report")?;
        // The same batches once more: nothing is added.
        let again = measure(&database, "report")?;
        println!(
            "{:<12}{:>14.0}{:>15.0}{:>15.0}{:>11.2}x{:>12.0}{:>15.0}",
            backend.name(),
            per_second(events, parse.wall),
            per_second(events, import.wall),
            per_second(events, report.wall),
            ratio(report.wall, import.wall),
            report.peak_mib,
            per_second(events, again.wall),
        );
    }
    Ok(())
}

fn parse(options: &Options) -> Result<()> {
    let batches = batches(options)?;
    let started = Instant::now();
    for batch in &batches {
        std::hint::black_box(Batch::many(batch.as_bytes())?);
    }
    report(started)
}

async fn whole(options: &Options, url: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let house = furnished(options, url, folder.path()).await?;
    let file = folder.path().join("usage.jsonl");
    let events: Vec<String> = each(options)?;
    std::fs::write(&file, events.join("\n"))?;
    let started = Instant::now();
    let imported = import(&house, Table::Usage, &file).await?;
    report(started)?;
    let events = options.accounts * options.per_account;
    ensure!(imported.added == events, "{imported:?}");
    Ok(())
}

async fn reported(options: &Options, url: &str) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let house = Arc::new(furnished(options, url, folder.path()).await?);
    let request = OperatorRequest {
        name: &format!("bench {}", std::process::id()),
        role: Role::Ingest,
        expires_at: None,
    };
    let by = ByPerson {
        actor: "bench",
        reason: "bench",
    };
    let secret: Arc<str> = house.add_operator(request, by).await?.into();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let target: Arc<str> = format!("http://{}/ingest/v1/events", listener.local_addr()?).into();
    let shutdown = http::Shutdown::default();
    let router = http::router(Arc::clone(&house), None, &shutdown)?;
    let server =
        tokio::spawn(async move { http::serve(listener, router, &shutdown, Duration::ZERO).await });
    let waiting = Arc::new(Mutex::new(batches(options)?));
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..options.senders {
        senders.spawn(send(
            Arc::clone(&target),
            Arc::clone(&secret),
            Arc::clone(&waiting),
        ));
    }
    let mut taken = 0;
    while let Some(sent) = senders.join_next().await {
        taken += sent??;
    }
    report(started)?;
    server.abort();
    let events = options.accounts * options.per_account;
    ensure!(taken == events, "{taken} of {events} events were taken");
    Ok(())
}

/// Sends what waits, a batch after the other; how many events were taken.
async fn send(target: Arc<str>, secret: Arc<str>, waiting: Arc<Mutex<Vec<String>>>) -> Result<u64> {
    let client = reqwest::Client::new();
    let mut taken = 0;
    loop {
        let batch = waiting.lock().unwrap().pop();
        let Some(batch) = batch else {
            return Ok(taken);
        };
        let request = client.post(&*target).bearer_auth(&secret);
        let request = request.header("content-type", "application/cloudevents-batch+json");
        let answer = request.body(batch).send().await?.error_for_status()?;
        let answer: serde_json::Value = answer.json().await?;
        for part in ["accepted", "duplicates"] {
            taken += answer[part].as_u64().context("no count")?;
        }
    }
}

/// A house with prices and accounts; one that has them gets nothing new.
async fn furnished(options: &Options, url: &str, folder: &Path) -> Result<Engine> {
    let (catalog, accounts) = (folder.join("c.csv"), folder.join("a.csv"));
    sample::write_catalog(&catalog)?;
    sample::write_accounts(&accounts, options.accounts)?;
    let house = engine(url).await?;
    import(&house, Table::Catalog, &catalog).await?;
    import(&house, Table::Accounts, &accounts).await?;
    Ok(house)
}

fn batches(options: &Options) -> Result<Vec<String>> {
    let events = each(options)?;
    let batches = events.chunks(options.batch);
    Ok(batches
        .map(|batch| format!("[{}]", batch.join(",")))
        .collect())
}

/// Every event, in the order of time: one account after the other, again and again.
fn each(options: &Options) -> Result<Vec<String>> {
    let mut events = Vec::new();
    for nth in 0..options.per_account {
        for account in 0..options.accounts {
            let (day, hour) = (1 + nth / 24 % 28, nth % 24);
            let mut event = String::new();
            write!(
                event,
                r#"{{"specversion":"1.0","id":"evt-{account:07}-{nth:03}","source":"/bench","type":"usage","data":{{"account":"acc-{account:07}","app":"app-{}","kind":"container","type":"web","plan":"M","quantity":1,"started_at":"2026-10-{day:02}T{hour:02}:00:00Z","ended_at":"2026-10-{day:02}T{hour:02}:59:00Z"}}}}"#,
                nth % 3
            )?;
            events.push(event);
        }
    }
    Ok(events)
}
