//! Charging cards against a provider that answers after 50 milliseconds: at the
//! limit of requests per second that the settings name, and without one.
//!
//! `cargo bench --bench collect -- [--charges N] [--only sqlite]`
//!
//! The provider is played in the bench's own process, the charging is measured
//! in another. The floor is the provider's own time with as many connections as
//! are used: nothing can be faster.
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(
    clippy::float_arithmetic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[path = "../tests/fakes/mod.rs"]
mod fakes;
mod support;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use quittance::config::{CallPolicy, SecretSource, StripeSettings};
use quittance::domain::ids::AccountId;
use quittance::domain::payment::{PaymentMethod, Trigger};
use quittance::engine::collect::{ACCOUNTS_AT_ONCE, Fate, Request};
use quittance::store::rows::InvoiceScope;

use fakes::stripe::{CardScript, SECRET_KEY, StripeFake};
use support::measure::{in_own_process, per_second, ratio, report};
use support::{Backend, Database, debtors};

const LATENCY: Duration = Duration::from_millis(50);
/// The default of `stripe.requests_per_second`.
const LIMIT: u32 = 20;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 2_000)]
    charges: u32,
    /// Measure on this database only
    #[arg(long)]
    only: Option<Backend>,
    /// Leave out the charges under a limit, which take their time
    #[arg(long)]
    unlimited: bool,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Charge in this process, what is open in this database
    #[arg(long, hide = true)]
    url: Option<String>,
    #[arg(long, hide = true)]
    stripe: Option<String>,
    #[arg(long, hide = true)]
    key_file: Option<PathBuf>,
    /// Requests per second; 0 for no limit
    #[arg(long, hide = true, default_value_t = 0)]
    limit: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let (Some(url), Some(stripe), Some(key_file)) =
        (&options.url, &options.stripe, &options.key_file)
    {
        return charge(url, stripe, key_file, options.limit, options.charges).await;
    }
    let folder = tempfile::tempdir()?;
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, SECRET_KEY)?;
    println!(
        "{:<12}{:>12}{:>10}{:>10}{:>12}{:>18}{:>10}",
        "database", "limit", "charges", "seconds", "charges/s", "of limit or floor", "peak MiB"
    );
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if options.only.is_some_and(|only| only != backend) {
            continue;
        }
        for limit in [LIMIT, 0] {
            if limit > 0 && options.unlimited {
                continue;
            }
            let database = Database::new(backend)?;
            let stripe = StripeFake::start();
            debtors(&database.url, &stripe, options.charges).await?;
            stripe.latency(LATENCY);
            let (count, limited) = (options.charges.to_string(), limit.to_string());
            let (address, key) = (stripe.url(), key_file.to_string_lossy());
            let took = in_own_process(&[
                "--url",
                &database.url,
                "--stripe",
                &address,
                "--key-file",
                &key,
                "--limit",
                &limited,
                "--charges",
                &count,
            ])?;
            let arrivals = stripe.charge_arrivals();
            ensure!(
                arrivals.len() == usize::try_from(options.charges)?,
                "{} requests to charge",
                arrivals.len()
            );
            let (rate, share) = if limit == 0 {
                // So many at once, each waiting for the provider.
                let turns = options.charges.div_ceil(u32::try_from(ACCOUNTS_AT_ONCE)?);
                let floor = LATENCY * turns;
                let rate = per_second(options.charges.into(), took.wall);
                (rate, ratio(took.wall, floor))
            } else {
                let span = arrivals.iter().max().zip(arrivals.iter().min());
                let span = span.map_or(Duration::ZERO, |(last, first)| *last - *first);
                let rate = per_second(u64::from(options.charges) - 1, span);
                (rate, rate / f64::from(limit))
            };
            println!(
                "{:<12}{:>12}{:>10}{:>10.2}{rate:>12.1}{share:>17.3}x{:>10.1}",
                backend.name(),
                if limit == 0 {
                    "none".to_owned()
                } else {
                    format!("{limit}/s")
                },
                options.charges,
                took.wall.as_secs_f64(),
                took.peak_mib,
            );
        }
    }
    Ok(())
}

/// Charges everything and says what it took.
async fn charge(url: &str, stripe: &str, key_file: &Path, limit: u32, charges: u32) -> Result<()> {
    let mut engine = support::engine(url).await?;
    engine.config.stripe = Some(StripeSettings {
        secret_key: SecretSource::File(key_file.to_owned()),
        webhook_secret: SecretSource::File(key_file.to_owned()),
        calls: CallPolicy {
            base_url: stripe.to_owned(),
            requests_per_second: NonZeroU32::new(limit),
            timeout: Duration::from_secs(30),
            tries: 4,
            first_pause: Duration::from_millis(500),
        },
    });
    let request = Request {
        scope: InvoiceScope {
            accounts: (AccountId(i64::MIN), AccountId(i64::MAX)),
            period: None,
            open_only: true,
        },
        trigger: Trigger::Schedule,
        failed_since: None,
    };
    let started = Instant::now();
    let done = engine.collect(&request, &|| ()).await?;
    report(started)?;
    let paid: u64 = done
        .charged
        .iter()
        .filter(|((method, fate, _), _)| *method == PaymentMethod::Card && *fate == Fate::Paid)
        .map(|(_, sum)| sum.invoices)
        .sum();
    ensure!(paid == u64::from(charges), "{done:?}");
    Ok(())
}

/// So many accounts, each with a card and an open invoice.
async fn debtors(url: &str, stripe: &StripeFake, accounts: u32) -> Result<()> {
    debtors::insert(url, accounts.into()).await?;
    let mut customers = Vec::new();
    let mut cards = Vec::new();
    for id in 0..accounts {
        let customer = stripe.customer();
        let card = stripe.card(&customer, CardScript::succeeds());
        customers.push(format!("({id}, 'stripe', '{customer}')"));
        cards.push(format!("({id}, 1, '{card}', 'visa', '4242', 203008)"));
    }
    let statements = [
        format!(
            "INSERT INTO provider_customer (account_id, provider, reference) VALUES {}",
            customers.join(",")
        ),
        "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
         SELECT id, 1, 'card', 'usable', 1, 1, 1 FROM account"
            .to_owned(),
        format!(
            "INSERT INTO payment_card (account_id, method_id, reference, brand, last4, expires) VALUES {}",
            cards.join(",")
        ),
        // A house that has been there for a while has statistics.
        "ANALYZE".to_owned(),
    ];
    for statement in statements {
        debtors::execute(url, statement).await?;
    }
    Ok(())
}
