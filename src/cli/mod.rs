//! The command line: a file per command.

mod account;
mod card;
mod check;
mod collect;
mod credit;
mod deletion;
mod demo;
mod dispute;
mod dunning;
mod event;
mod house;
mod import;
mod invoice;
mod json;
mod mail;
mod method;
mod operator;
mod outbox;
mod payment;
mod person;
mod print;
mod purchase;
mod reconcile;
mod refund;
mod run;
mod scope;
mod sepa;
mod serve;
mod tick;
mod token;
mod vault;
mod verify;
mod voucher;

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::complain;

/// Monthly billing for a hosting platform: usage in, numbered invoices and money
/// out, exactly once.
///
/// Start with `quittance demo`. Every command that reads or writes a database
/// takes --database-url, or the DATABASE_URL environment variable.
#[derive(Debug, Parser)]
#[command(name = "quittance", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// The database: sqlite:FILE or postgres://USER@HOST/NAME
    #[arg(
        long,
        env = "DATABASE_URL",
        global = true,
        hide_env_values = true,
        display_order = 900,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// The settings [default: quittance.toml where it exists]
    #[arg(
        long,
        env = "QUITTANCE_CONFIG",
        global = true,
        display_order = 901,
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// Pretend it is this time (RFC 3339), for tests and rehearsals
    #[arg(
        long,
        env = "QUITTANCE_NOW",
        global = true,
        hide = true,
        value_name = "TIME"
    )]
    now: Option<DateTime<Utc>>,
    /// Log to standard error from this level on: error, warn, info, debug
    /// [default: error; info for serve]
    #[arg(
        long,
        env = "QUITTANCE_LOG",
        global = true,
        display_order = 902,
        value_name = "LEVEL"
    )]
    log: Option<tracing::Level>,
    /// Write the log as JSON, a line an event
    #[arg(long, env = "QUITTANCE_LOG_JSON", global = true, display_order = 903)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a small sample platform in a folder and bill its last month
    Demo(demo::DemoArgs),
    /// Import accounts, prices or usage
    Import(import::ImportArgs),
    /// Bill a month, or see where its run stands
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Run(run::RunArgs),
    /// List and show invoices, as text, JSON, PDF or XML
    Invoice(invoice::InvoiceArgs),
    /// Grant an account a voucher or a discount
    Voucher(voucher::VoucherArgs),
    /// Give an account prepaid credit, sell it, pay it back, or show it
    Credit(credit::CreditArgs),
    /// Charge what is open, after showing it
    Collect(collect::CollectArgs),
    /// List and show the attempts to take money
    Payment(payment::PaymentArgs),
    /// Give a card payment back, or a part of it
    Refund(refund::RefundArgs),
    /// Finish payments whose outcome is unknown or pending
    Reconcile(reconcile::ReconcileArgs),
    /// Unpaid accounts: who owes what, which step comes next, holds and approvals
    Dunning(dunning::DunningArgs),
    /// Suspend, resume and delete an account
    Account(account::AccountArgs),
    /// List and close what providers told that a person has to look at
    Event(event::EventArgs),
    /// Do whatever is due now, once: billing, reconciling, collecting, dunning
    Tick(tick::TickArgs),
    /// Run the whole month by itself, and listen to what providers tell
    Serve(serve::ServeArgs),
    /// List, add and remove an account's cards and SEPA mandates
    Method(method::MethodArgs),
    /// Direct debits: files for the bank, and what the bank answers
    Sepa(sepa::SepaArgs),
    /// List what customers and the platform are to be told, and deliver it
    Outbox(outbox::OutboxArgs),
    /// Look at the mails that customers get
    Mail(mail::MailArgs),
    /// Make, list and revoke the house's own keys, for the finance API and ingestion
    Operator(operator::OperatorArgs),
    /// Look after the keys that account numbers are sealed with
    Vault(vault::VaultArgs),
    /// Recompute every invariant and name what is broken
    Verify(verify::VerifyArgs),
}

/// Runs a command. The exit code is 0 when all is well, 1 when it is not, and 2
/// for a wrong command line.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let quiet = !matches!(cli.command, Command::Serve(_));
    cli.global.start_log(if quiet {
        tracing::Level::ERROR
    } else {
        tracing::Level::INFO
    });
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::demo(&cli.global, args).await,
            Command::Import(args) => import::import(&cli.global, args).await,
            Command::Run(args) => run::run(&cli.global, args).await,
            Command::Invoice(args) => invoice::invoice(&cli.global, args).await,
            Command::Voucher(args) => voucher::voucher(&cli.global, args).await,
            Command::Credit(args) => credit::credit(&cli.global, args).await,
            Command::Collect(args) => collect::collect(&cli.global, args).await,
            Command::Payment(args) => payment::payment(&cli.global, args).await,
            Command::Refund(args) => refund::refund(&cli.global, args).await,
            Command::Reconcile(args) => reconcile::reconcile(&cli.global, args).await,
            Command::Dunning(args) => dunning::dunning(&cli.global, args).await,
            Command::Account(args) => account::account(&cli.global, args).await,
            Command::Event(args) => event::event(&cli.global, args).await,
            Command::Tick(args) => tick::tick(&cli.global, args).await,
            Command::Serve(args) => serve::serve(&cli.global, args).await,
            Command::Method(args) => method::method(&cli.global, args).await,
            Command::Sepa(args) => sepa::sepa(&cli.global, args).await,
            Command::Outbox(args) => outbox::outbox(&cli.global, args).await,
            Command::Mail(args) => mail::mail(&cli.global, args).await,
            Command::Operator(args) => operator::operator(&cli.global, args).await,
            Command::Vault(args) => vault::vault(&cli.global, args).await,
            Command::Verify(args) => verify::verify(&cli.global, args).await,
        }
    });
    match done {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // A closed pipe (`| head`) is no failure worth a word.
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    complain!("error: {}", told(error));
    ExitCode::FAILURE
}

/// An error and its causes, each said once: some repeat their cause's words.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if told.is_empty() {
            told = words;
        } else if !told.ends_with(&words) {
            told.push_str(": ");
            told.push_str(&words);
        }
    }
    told
}
