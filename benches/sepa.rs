//! A direct debit file of many debits: collected from what is due, checked, and
//! written on one core; then the whole way, with the database and the archive.
//!
//! `cargo bench --bench sepa -- [--debits N]`
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use chrono::NaiveDate;
use clap::Parser;
use quittance::domain::money::{Currency, Money};
use quittance::domain::sepa::address::Address;
use quittance::domain::sepa::check::check;
use quittance::domain::sepa::collection::{CollectionPolicy, DebitDue, Submission, collect};
use quittance::domain::sepa::iban::IbanText;
use quittance::domain::sepa::mandate::{Amendment, Mandate, MandateUse};
use quittance::domain::sepa::message::{Creditor, Debtor, Scheme, SequenceType};
use quittance::providers::sepa::pain008::{Version, write};
use quittance::store::rows::ByPerson;

use support::measure::{in_own_process, per_second, ratio, report};
use support::{Backend, Database, debtors, direct_debit};

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    debits: u32,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Measure one part, in this process
    #[arg(long, hide = true, value_name = "PART")]
    part: Option<Part>,
    /// Where the debits wait
    #[arg(long, hide = true)]
    url: Option<String>,
    /// With the archive and the key
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    /// The floor: the same debits as text, without XML or rules
    Text,
    Pain008,
    /// Everything that waits into a file
    Batch,
    /// The file to the bank
    Release,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    match options.part {
        Some(part @ (Part::Batch | Part::Release)) => in_house(part, &options).await,
        Some(part) => make(part, options.debits),
        None => {
            compare(options.debits)?;
            with_house(options.debits.into()).await
        }
    }
}

fn compare(debits: u32) -> Result<()> {
    let measure = |part| in_own_process(&["--part", part, "--debits", &debits.to_string()]);
    println!("{debits} debits, one core");
    println!(
        "{:<20}{:>10}{:>12}{:>10}{:>12}",
        "", "seconds", "debits/s", "ratio", "peak MiB"
    );
    let text = measure("text")?;
    let pain008 = measure("pain008")?;
    for (name, part) in [("debits as text", text), ("pain.008 checked", pain008)] {
        println!(
            "{name:<20}{:>10.2}{:>12.0}{:>9.1}x{:>12.0}",
            part.wall.as_secs_f64(),
            per_second(debits.into(), part.wall),
            ratio(part.wall, text.wall),
            part.peak_mib,
        );
    }
    Ok(())
}

fn make(part: Part, debits: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out");
    let file = File::create(&path)?;
    let started = Instant::now();
    let debits = (0..debits).map(due).collect::<Result<Vec<_>>>()?;
    match part {
        Part::Text => {
            let mut out = BufWriter::new(file);
            for debit in &debits {
                writeln!(out, "{debit:?}")?;
            }
            out.flush()?;
        }
        Part::Pain008 => {
            let count = debits.len();
            let submission = Submission {
                message_id: "Q-20261102-1".to_owned(),
                created_at: "2026-11-02T08:00:00Z"
                    .parse::<chrono::DateTime<chrono::Utc>>()?
                    .into(),
                submit_on: date(2)?,
                collect_from: None,
            };
            let policy = CollectionPolicy::default();
            let collection = collect(&creditor(), debits, policy, &submission)?;
            let message = collection.message.context("nothing is collected")?;
            ensure!(
                message.count == count,
                "{} debits of {count}",
                message.count
            );
            let checked = check(message, submission.submit_on)
                .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
            write(&checked, Version::V08, file)?;
        }
        Part::Batch | Part::Release => {}
    }
    report(started)?;
    ensure!(
        std::fs::metadata(&path)?.len() > 1_000,
        "nothing is written"
    );
    Ok(())
}

fn date(day: u32) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 11, day).context("no such day")
}

fn creditor() -> Creditor {
    Creditor {
        name: "Hébergeur SAS".to_owned(),
        address: None,
        identifier: "FR72ZZZ123456".to_owned(),
        iban: IbanText::new("FR1420041010050500013M02606"),
        bic: Some("BNPAFRPP".to_owned()),
    }
}

/// A debit that is like no other, with an address; one in a hundred is amended.
fn due(n: u32) -> Result<DebitDue> {
    Ok(DebitDue {
        id: format!("att-{n:07}"),
        amount: Money::new(i64::from(100 + n % 100_000), Currency::Eur),
        due_on: date(2 + n % 20)?,
        notified_on: date(1)?,
        is_last: n % 50 == 49,
        mandate: Mandate {
            reference: format!("MND-{n:07}"),
            signed_on: date(1)? - chrono::Days::new(u64::from(n % 700)),
            scheme: if n.is_multiple_of(5) {
                Scheme::B2b
            } else {
                Scheme::Core
            },
            usage: MandateUse::Recurrent,
            last_sequence: (!n.is_multiple_of(3)).then_some(SequenceType::Recurrent),
            last_presented_on: None,
            amendment: n.is_multiple_of(100).then(|| Amendment {
                new_account: true,
                ..Amendment::default()
            }),
        },
        debtor: Debtor {
            name: format!("Société Générale de Brückner & Fils {n}"),
            address: Some(Address {
                street: "quai des Bateliers".to_owned(),
                building: (n % 200).to_string(),
                post_code: "67000".to_owned(),
                town: "Strasbourg".to_owned(),
                country: "FR".to_owned(),
                lines: Vec::new(),
            }),
            iban: IbanText::new(&direct_debit::iban(n.into())),
            bic: None,
        },
        remittance: format!("Facture Q-2026-{n:06}, octobre 2026"),
    })
}

/// The same with the database and the archive: a house in which every debit is of
/// another account, from what waits to the file, and from the file to the bank.
async fn with_house(debits: u64) -> Result<()> {
    for backend in [Backend::Postgres, Backend::Sqlite] {
        let database = Database::new(backend)?;
        let url = &database.url;
        let folder = tempfile::tempdir()?;
        debtors::insert(url, debits).await?;
        let mut engine = support::engine(url).await?;
        direct_debit::settle_in(&mut engine, folder.path())?;
        direct_debit::insert_waiting(&engine, url, debits).await?;
        engine.store.close().await;
        let (count, path) = (debits.to_string(), folder.path().to_string_lossy());
        for part in ["batch", "release"] {
            let args = ["--part", part, "--debits", &count, "--url", url];
            let took = in_own_process(&[&args[..], &["--folder", &path]].concat())?;
            let name = format!("{part}, {}", backend.name());
            println!(
                "{name:<20}{:>10.2}{:>12.0}{:>10}{:>12.0}",
                took.wall.as_secs_f64(),
                per_second(debits, took.wall),
                "",
                took.peak_mib,
            );
        }
    }
    Ok(())
}

async fn in_house(part: Part, options: &Options) -> Result<()> {
    let (Some(url), Some(folder)) = (&options.url, &options.folder) else {
        anyhow::bail!("it needs --url and --folder");
    };
    let mut engine = support::engine(url).await?;
    direct_debit::settle_in(&mut engine, folder)?;
    let debits = usize::try_from(options.debits)?;
    let started = Instant::now();
    if matches!(part, Part::Batch) {
        let made = engine
            .make_batch(None, Some(&folder.join("out.xml")))
            .await?;
        report(started)?;
        ensure!(made.debits == debits, "{made:?}");
        return Ok(());
    }
    let batches = engine.batches().await?;
    let batch = batches.first().context("no batch")?;
    let by = ByPerson {
        actor: "bench",
        reason: "bench",
    };
    let shown = engine.release_batch(&batch.id, by).await?;
    report(started)?;
    ensure!(
        shown.progress.len() == 1 && usize::try_from(shown.batch.debits)? == debits,
        "{shown:?}"
    );
    Ok(())
}
