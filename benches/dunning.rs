//! A round of dunning over many accounts of which few have a step due: who is
//! overdue, what is known of them, the steps with their mails, committed.
//!
//! `cargo bench --bench dunning -- [--accounts N] [--due N] [--only sqlite]`
//!
//! Every account has a year of invoices. *few owe*: the others have paid. *all
//! owe*: the others are warned already, and nothing is due of them today; their
//! facts are read all the same. The floor is one transaction of hand-written SQL
//! that writes the same steps and mails.
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use sqlx::{AssertSqlSafe, Connection as _};

use support::measure::{Measured, in_own_process, ratio, report};
use support::{Backend, Database, debtors};

/// Marks the rows of the floor, which are taken away again.
const FLOOR_AT: i64 = 2;
/// Eight days before today: the first warning is due.
const DUE_ON: &str = "2026-10-25";

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Accounts with a step due
    #[arg(long, default_value_t = 2_000)]
    due: u64,
    /// Measure on this database only
    #[arg(long)]
    only: Option<Backend>,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Measure one part, in this process
    #[arg(long, hide = true, value_name = "PART")]
    part: Option<Part>,
    #[arg(long, hide = true)]
    url: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    Floor,
    Round,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let (Some(part), Some(url)) = (options.part, &options.url) {
        return match part {
            Part::Floor => floor(url).await,
            Part::Round => round(url, options.due).await,
        };
    }
    println!(
        "{:<24}{:>10}{:>8}{:>10}{:>10}{:>10}",
        "", "accounts", "due", "seconds", "of floor", "peak MiB"
    );
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if options.only.is_some_and(|only| only != backend) {
            continue;
        }
        for (name, all_owe) in [("few owe", false), ("all owe", true)] {
            let database = Database::new(backend)?;
            insert(&database.url, &options, all_owe).await?;
            let measure = |part: &str| -> Result<Measured> {
                let due = options.due.to_string();
                in_own_process(&["--part", part, "--url", &database.url, "--due", &due])
            };
            let floor = measure("floor")?;
            for rows in [
                format!("dunning_step WHERE taken_at = {FLOOR_AT}"),
                "outbox".to_owned(),
            ] {
                debtors::execute(&database.url, format!("DELETE FROM {rows}")).await?;
            }
            let round = measure("round")?;
            println!(
                "{:<24}{:>10}{:>8}{:>10.2}{:>9.1}x{:>10.1}",
                format!("{}, {name}", backend.name()),
                options.accounts,
                options.due,
                round.wall.as_secs_f64(),
                ratio(round.wall, floor.wall),
                round.peak_mib
            );
            if backend == Backend::Postgres {
                println!("{}", plan(&database.url).await?);
            }
        }
    }
    Ok(())
}

/// A year of invoices of every account, the last of them overdue where it owes.
async fn insert(url: &str, options: &Options, all_owe: bool) -> Result<()> {
    let Options { accounts, due, .. } = *options;
    ensure!(
        due > 0 && accounts.is_multiple_of(due),
        "{accounts} is no multiple of {due}"
    );
    let is_due = format!("account_id % {} = 0", accounts / due);
    debtors::insert(url, accounts).await?;
    let months = (0..11)
        .map(|n| format!("SELECT {n} AS n"))
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let rest = if all_owe {
        format!(
            "INSERT INTO dunning_step (account_id, period, kind, round, step, taken_on, taken_at) \
             SELECT account_id, period, kind, 0, 'suspension_warning_7', '2026-11-02', 1 FROM open_invoice \
             WHERE NOT ({is_due})"
        )
    } else {
        format!("DELETE FROM open_invoice WHERE NOT ({is_due})")
    };
    let statements = [
        format!(
            "INSERT INTO invoice (account_id, period, kind, series, year, sequence, issued_on, due_on, currency, \
             profile_version, issuer_id, net_minor, vat_minor, total_minor, content_digest, hash) \
             SELECT account_id, 202511 + months.n + CASE WHEN months.n > 1 THEN 88 ELSE 0 END, 1, 'Q', 2025, \
             months.n * {accounts} + account_id + 1, '2026-01-02', '2026-01-02', 'EUR', 1, 1, 1250, 250, {}, \
             content_digest, hash FROM invoice, ({months}) months",
            debtors::TOTAL_MINOR
        ),
        format!("UPDATE invoice SET due_on = '{DUE_ON}' WHERE period = 202610"),
        rest,
        "ANALYZE".to_owned(),
    ];
    for statement in statements {
        debtors::execute(url, statement).await?;
    }
    Ok(())
}

/// The same steps and mails as rows, in one transaction.
async fn floor(url: &str) -> Result<()> {
    let not_warned = "NOT EXISTS (SELECT 1 FROM dunning_step s WHERE s.account_id = o.account_id \
                      AND s.period = o.period AND s.kind = o.kind)";
    let step = format!(
        "INSERT INTO dunning_step (account_id, period, kind, round, step, taken_on, taken_at) \
         SELECT o.account_id, o.period, o.kind, 0, 'suspension_warning_7', '2026-11-02', {FLOOR_AT} \
         FROM open_invoice o JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period \
         AND i.kind = o.kind WHERE i.due_on <= '{DUE_ON}' AND {not_warned}"
    );
    let mail = format!(
        "INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at) \
         SELECT account_id, 'suspension_warning:' || CAST(account_id AS TEXT), 'mail', 'suspension_warning', \
         '{{\"invoice\":\"Q-2026-000001\",\"days_before\":7,\"suspension_on\":\"2026-11-09\"}}', 1, 'waiting', 1 \
         FROM dunning_step WHERE taken_at = {FLOOR_AT}"
    );
    let started = Instant::now();
    debtors::execute(url, format!("BEGIN; {step}; {mail}; COMMIT")).await?;
    report(started)
}

async fn round(url: &str, due: u64) -> Result<()> {
    let engine = support::engine(url).await?;
    let started = Instant::now();
    let tally = engine.dunning_round().await?;
    report(started)?;
    ensure!(
        tally.steps() == due && tally.problems.is_empty(),
        "{tally:?}"
    );
    Ok(())
}

/// How PostgreSQL finds who is overdue.
async fn plan(url: &str) -> Result<String> {
    use quittance::store::postgres::queries::accounts_overdue_sql;
    let mut conn = sqlx::PgConnection::connect(url).await?;
    let filled = [("$1", "-1"), ("$2", "'2026-10-25'"), ("$3", "500")]
        .iter()
        .fold(accounts_overdue_sql().to_owned(), |sql, (name, value)| {
            sql.replace(name, value)
        });
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, SUMMARY OFF) {filled}");
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_all(&mut conn)
        .await?;
    Ok(lines
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n"))
}
