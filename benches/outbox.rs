//! Mails from the outbox to a mail server on the loopback: claimed, written in two
//! languages, sent over 8 kept connections, recorded.
//!
//! `cargo bench --bench outbox -- [--mails N] [--only sqlite]`
//!
//! The server is played in the bench's own process, the delivering is measured in
//! another. The floor is the same messages, written before, over as many
//! connections and without a database: by our own conversation, and by lettre's
//! pool.
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

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use quittance::config::{MailSecurity, MailSettings};
use quittance::domain::account::Language;
use quittance::domain::calendar::Instant as At;
use quittance::domain::ids::AccountId;
use quittance::engine::outbox::house;
use quittance::mail::message::{self, MessageKey, Outgoing, Sender};
use quittance::mail::sample::{addressee, samples};
use quittance::mail::smtp::{Sent, Smtp};
use quittance::mail::wording::letter;

use fakes::smtp::SmtpFake;
use support::measure::{in_own_process, per_second, ratio, report};
use support::{Backend, Database, debtors};

const CONNECTIONS: u32 = 8;
/// Messages of the floor; they are sent again and again.
const WRITTEN: usize = 500;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 20_000)]
    mails: usize,
    /// Measure on this database only
    #[arg(long)]
    only: Option<Backend>,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Deliver in this process: a database, or `own` or `lettre` for a floor
    #[arg(long, hide = true)]
    from: Option<String>,
    #[arg(long, hide = true, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mails = options.mails;
    if let Some(from) = &options.from {
        return match from.as_str() {
            "own" => own(options.port, mails).await,
            "lettre" => pool(options.port, mails).await,
            url => deliver(url, options.port, mails).await,
        };
    }
    println!(
        "{:<16}{:>10}{:>10}{:>12}{:>12}{:>10}",
        "from", "mails", "seconds", "mails/s", "of floor", "peak MiB"
    );
    let mut floor = None;
    let mut measure = |name: &str, from: &str| -> Result<()> {
        let server = SmtpFake::start();
        server.forget_bodies();
        let (port, count) = (server.port().to_string(), mails.to_string());
        let took = in_own_process(&["--from", from, "--port", &port, "--mails", &count])?;
        ensure!(server.count() == mails, "{} came", server.count());
        let floor = *floor.get_or_insert(took.wall);
        println!(
            "{name:<16}{mails:>10}{:>10.2}{:>12.0}{:>11.2}x{:>10.1}",
            took.wall.as_secs_f64(),
            per_second(u64::try_from(mails)?, took.wall),
            ratio(took.wall, floor),
            took.peak_mib
        );
        Ok(())
    };
    measure("nothing", "own")?;
    measure("lettre's pool", "lettre")?;
    for backend in [Backend::Postgres, Backend::Sqlite] {
        if options.only.is_some_and(|only| only != backend) {
            continue;
        }
        let database = Database::new(backend)?;
        notices(&database.url, mails).await?;
        measure(backend.name(), &database.url)?;
    }
    Ok(())
}

fn settings(port: u16) -> Result<MailSettings> {
    Ok(MailSettings {
        sender: Sender {
            from: "Nuage <billing@nuage.example>".parse()?,
            reply_to: None,
        },
        host: "127.0.0.1".to_owned(),
        port,
        security: MailSecurity::None,
        ca_file: None,
        login: None,
        connections: CONNECTIONS,
        timeout: Duration::from_secs(60),
        pay_url: "https://console.example/billing/{invoice}".to_owned(),
        account_url: "https://console.example/billing".to_owned(),
        deletion_url: "https://console.example/deletion/{token}".to_owned(),
        unlock_url: None,
        password_url: None,
        email_url: None,
        accountant_url: None,
        card_expiry_days: 30,
        product_name: None,
    })
}

/// Delivers everything and says what it took.
async fn deliver(url: &str, port: u16, mails: usize) -> Result<()> {
    let mut engine = support::engine(url).await?;
    engine.config.mail = Some(settings(port)?);
    let started = Instant::now();
    let done = engine.deliver_outbox(u64::MAX, &|| ()).await?;
    report(started)?;
    ensure!(done.sent == u64::try_from(mails)?, "{done:?}");
    Ok(())
}

/// As many receipts as are sent again and again.
fn written(port: u16) -> Result<Vec<Outgoing>> {
    let settings = settings(port)?;
    let house = house(&quittance::config::sample_issuer(), Some(&settings));
    let samples = samples()?;
    let receipt = samples
        .iter()
        .find(|sample| sample.name == "payment_succeeded")
        .expect("there are receipts");
    (0..WRITTEN)
        .map(|no| {
            let to = addressee(if no % 2 == 0 {
                Language::English
            } else {
                Language::French
            });
            let one = letter(&receipt.occasion, &house, &to, Vec::new());
            let key = MessageKey::of_row(AccountId(1), &no.to_string(), At(1));
            let address = format!("u{no}@example.com");
            let recipient = (to.name.as_str(), address.as_str());
            Ok(message::build(
                &one,
                &settings.sender,
                recipient,
                &key,
                At(1),
            )?)
        })
        .collect()
}

/// Our own conversation, without a database.
async fn own(port: u16, mails: usize) -> Result<()> {
    let messages = Arc::new(written(port)?);
    let smtp = Arc::new(Smtp::open(&settings(port)?)?);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (messages, smtp, next) = (messages.clone(), smtp.clone(), next.clone());
        working.spawn(async move {
            let mut connection = smtp.connect().await.expect("the server is there");
            loop {
                let no = next.fetch_add(1, Ordering::Relaxed);
                if no >= mails {
                    return;
                }
                let sent = connection.send(&messages[no % WRITTEN]).await;
                assert_eq!(sent, Sent::Accepted);
            }
        });
    }
    while let Some(worked) = working.join_next().await {
        worked?;
    }
    report(started)
}

/// lettre's pool, without a database.
async fn pool(port: u16, mails: usize) -> Result<()> {
    let messages = Arc::new(written(port)?);
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(port)
        .pool_config(PoolConfig::new().max_size(CONNECTIONS))
        .build();
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (messages, transport, next) = (messages.clone(), transport.clone(), next.clone());
        working.spawn(async move {
            loop {
                let no = next.fetch_add(1, Ordering::Relaxed);
                if no >= mails {
                    return;
                }
                let message = &messages[no % WRITTEN];
                let to = vec![message.to.clone()];
                let envelope = Envelope::new(Some(message.from.clone()), to).expect("an envelope");
                // It ends the message itself.
                let body = message.wire.trim_end_matches(".\r\n");
                let sent = transport.send_raw(&envelope, body.as_bytes()).await;
                sent.expect("it is taken");
            }
        });
    }
    while let Some(worked) = working.join_next().await {
        worked?;
    }
    report(started)
}

/// So many accounts, each with an invoice and a receipt for it.
async fn notices(url: &str, mails: usize) -> Result<()> {
    let accounts = u64::try_from(mails)?;
    debtors::insert(url, accounts).await?;
    let (each, blob) = (debtors::each(accounts), debtors::blob(url));
    let now = At::from(support::sample::TODAY.parse::<chrono::DateTime<chrono::Utc>>()?).0;
    let payload = r#"{"payment":"01","invoice":"Q-2026-' || substr('000000', 1, 6 - length(CAST(n + 1 AS TEXT))) || CAST(n + 1 AS TEXT) || '","method":"card","amount_minor":1500,"currency":"EUR","decline_code":null,"decline_class":null}"#;
    let statements = [
        format!(
            "INSERT INTO billing_profile (account_id, version, digest, username, email, full_name, company, country, \
             address_line1, postal_code, city, vat_number, language) {each} SELECT n, 1, {blob}, 'u', \
             'u' || CAST(n AS TEXT) || '@example.com', 'Ada Lovelace', '', 'FR', '1 rue A', '67000', 'Strasbourg', '', \
             CASE WHEN n % 2 = 0 THEN 'en' ELSE 'fr' END FROM each"
        ),
        format!(
            "INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at) {each} \
             SELECT n, 'payment_succeeded:' || CAST(n AS TEXT), 'mail', 'payment_succeeded', '{payload}', {now}, \
             'waiting', {now} FROM each"
        ),
    ];
    for statement in statements {
        debtors::execute(url, statement).await?;
    }
    Ok(())
}
