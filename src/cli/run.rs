//! `quittance run`.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::Global;
use super::person::PersonArgs;
use super::print::{Meter, amount, count, counted, table};
use crate::domain::calendar::PeriodKey;
use crate::engine::run::shadow::{ShadowReport, Standing};
use crate::engine::run::status::RunStatus;
use crate::engine::run::{BatchTally, Engine, Progress};
use crate::say;
use crate::views::run::{RunView, ShadowView, due};

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(subcommand)]
    command: Option<RunCommand>,
    /// The month to bill, such as 2026-10
    #[arg(required = true)]
    period: Option<PeriodKey>,
    /// How many batches are worked on at once [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = workers)]
    workers: Option<NonZeroUsize>,
    /// Compute the month, write nothing, and print the differences with what stands
    #[arg(long)]
    shadow: bool,
    /// Only this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum RunCommand {
    /// Where a run stands; without a month, every run
    Status {
        /// Such as 2026-10
        period: Option<PeriodKey>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop the workers of a run after the batch at hand
    Pause {
        /// Such as 2026-10
        period: PeriodKey,
    },
    /// Let a paused run go on
    Resume {
        /// Such as 2026-10
        period: PeriodKey,
    },
    /// Bill a parked account in spite of the sanity bounds: the total that was
    /// held back; one that grew since is held back again. What an account used that
    /// has left is given up
    Release {
        /// Such as 2026-10
        period: PeriodKey,
        /// The account's id
        account: String,
        #[command(flatten)]
        person: PersonArgs,
    },
}

pub async fn run(global: &Global, args: RunArgs) -> Result<ExitCode> {
    match args.command {
        Some(RunCommand::Status { period, json }) => status(global, period, json).await,
        Some(RunCommand::Pause { period }) => {
            global.open().await?.set_paused(period, true).await?;
            say!("the run of {period} is paused; its workers stop after the batch at hand");
            Ok(ExitCode::SUCCESS)
        }
        Some(RunCommand::Resume { period }) => {
            global.open().await?.set_paused(period, false).await?;
            say!("the run of {period} may go on: start it with `quittance run {period}`");
            Ok(ExitCode::SUCCESS)
        }
        Some(RunCommand::Release {
            period,
            account,
            person,
        }) => release(global, period, &account, &person).await,
        None => {
            let period = args.period.context("name a month, such as 2026-10")?;
            if args.shadow {
                return shadow(global, period, args.account.as_deref(), args.json).await;
            }
            bill(global, period, &args).await
        }
    }
}

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    const MOST: usize = 256;
    let number = text.parse::<NonZeroUsize>().ok();
    number
        .filter(|number| number.get() <= MOST)
        .ok_or_else(|| format!("{text:?} is not a number from 1 to {MOST}"))
}

/// The workers a run has unless told otherwise.
pub fn default_workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

async fn bill(global: &Global, period: PeriodKey, args: &RunArgs) -> Result<ExitCode> {
    let engine = global.open_to_bill().await?;
    let (tally, took) = match &args.account {
        Some(account) => (engine.run_account(period, account).await?, None),
        None => {
            let workers = args.workers.unwrap_or_else(default_workers);
            let (tally, took) = run_with_meter(&engine, period, workers, args.json).await?;
            (tally, Some(took))
        }
    };
    let status = engine.run_status(period).await?;
    engine.store.close().await;
    if args.json {
        super::json::print(&RunView::new(&status, Some(tally)))?;
    } else {
        print_tally(tally, took);
        print_status(&status);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a month with a progress bar.
pub async fn run_with_meter(
    engine: &Engine,
    period: PeriodKey,
    workers: NonZeroUsize,
    quiet: bool,
) -> Result<(BatchTally, Duration)> {
    let meter = Arc::new(RunMeter(Meter::new("accounts", 0, quiet)));
    let progress: Arc<dyn Progress> = meter.clone();
    let tally = engine.run_month(period, workers, &progress).await;
    let took = meter.0.finish();
    Ok((tally?, took))
}

struct RunMeter(Meter);

impl Progress for RunMeter {
    fn planned(&self, accounts: u64) {
        self.0.lengthen(accounts);
    }

    fn done(&self, batch: BatchTally) {
        self.0.advance(batch.accounts);
    }
}

async fn release(
    global: &Global,
    period: PeriodKey,
    account: &str,
    person: &PersonArgs,
) -> Result<ExitCode> {
    let by = person.check()?;
    let engine = global.open_to_bill().await?;
    let number = engine.release(period, account, by).await?;
    match number {
        Some(number) => {
            say!("{account} is released: invoice {number}");
            Ok(ExitCode::SUCCESS)
        }
        None => {
            let status = engine.run_status(period).await?;
            let parked = status
                .parked
                .iter()
                .find(|parked| parked.external_id == account);
            match parked {
                Some(parked) => say!(
                    "{account} is released from the sanity bounds, but still parked: {}",
                    parked.reason
                ),
                None => say!("{account} is released: nothing is due"),
            }
            Ok(if parked.is_some() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

async fn status(global: &Global, period: Option<PeriodKey>, json: bool) -> Result<ExitCode> {
    let engine = global.open().await?;
    let runs = match period {
        Some(period) => vec![engine.run_status(period).await?],
        None => engine.run_statuses().await?,
    };
    if json {
        let all: Vec<RunView> = runs
            .iter()
            .map(|status| RunView::new(status, None))
            .collect();
        match (period, all.as_slice()) {
            (Some(_), [only]) => super::json::print(only)?,
            _ => super::json::print(&all)?,
        }
    } else if runs.is_empty() {
        say!("no month was run yet: start with `quittance run 2026-10`");
    } else {
        runs.iter().for_each(print_status);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_tally(tally: BatchTally, took: Option<Duration>) {
    if tally.accounts == 0 {
        say!("Nothing to do: every account is settled.");
        return;
    }
    if tally.accounts == tally.parked {
        say!(
            "Nothing new: {} still held back.",
            counted(tally.parked, "account")
        );
        return;
    }
    let took = took.map_or(String::new(), |took| {
        let millis = took.as_millis().max(1);
        format!(" in {}.{:01} s", millis / 1000, millis % 1000 / 100)
    });
    say!(
        "Settled{took}: {}, {} with {}, {} with nothing due, {} parked.",
        counted(tally.accounts, "account"),
        counted(tally.invoices, "invoice"),
        counted(tally.lines, "line"),
        count(tally.nothing_due),
        count(tally.parked)
    );
}

/// Prints where a run stands.
pub fn print_status(status: &RunStatus) {
    let run = &status.run;
    let paused = if run.paused { ", paused" } else { "" };
    say!("\nRun {} is {}{paused}.", run.period.key, run.state.code());
    let counts = status.counts;
    let mut table_of_counts = table(["accounts", ""], 1);
    table_of_counts.add_row(["invoiced".to_owned(), count(counts.invoiced)]);
    table_of_counts.add_row(["nothing due".to_owned(), count(counts.nothing_due)]);
    table_of_counts.add_row(["parked".to_owned(), count(counts.parked)]);
    if status.missing > 0 {
        table_of_counts.add_row(["still to do".to_owned(), count(status.missing)]);
    }
    say!("{table_of_counts}");
    if !status.totals.is_empty() {
        say!("");
        let mut totals = table(["currency", "invoices", "net", "VAT", "total"], 1);
        for total in &status.totals {
            let money = |minor| amount(minor, total.currency);
            totals.add_row([
                total.currency.to_string(),
                count(total.invoices),
                money(total.net_minor),
                money(total.vat_minor),
                money(total.total_minor),
            ]);
        }
        say!("{totals}");
    }
    for parked in &status.parked {
        say!("parked {}: {}", parked.external_id, parked.reason);
    }
    let (pieces, accounts) = status.late_waiting;
    if pieces > 0 {
        say!(
            "late usage waits for the next invoice: {} of {}",
            counted(pieces, "piece"),
            counted(accounts, "account")
        );
    }
    for month in &status.skipped {
        say!("{month} was never run: its usage is not billed");
    }
}

async fn shadow(
    global: &Global,
    period: PeriodKey,
    account: Option<&str>,
    json: bool,
) -> Result<ExitCode> {
    let engine = global.open().await?;
    let meter = RunMeter(Meter::new("accounts", 0, json));
    let report = engine.shadow(period, account, &meter).await?;
    meter.0.finish();
    if json {
        super::json::print(&ShadowView::new(period, &report))?;
    } else {
        print_shadow(period, &report);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_shadow(period: PeriodKey, report: &ShadowReport) {
    say!(
        "Shadow run of {period}, nothing was written: {}, {} as they stand, {} different.",
        counted(report.accounts, "account"),
        count(report.same),
        count(report.differences.len())
    );
    if report.differences.is_empty() {
        return;
    }
    let mut differences = table(["account", "stands", "would be", "change"], 1);
    for difference in &report.differences {
        let currency = difference.currency;
        let words = |standing: &Standing| match standing {
            Standing::None => "not run".to_owned(),
            Standing::NothingDue => "nothing due".to_owned(),
            Standing::Parked => "parked".to_owned(),
            Standing::Invoiced { total_minor } => amount(*total_minor, currency),
        };
        let change = due(&difference.would_be).saturating_sub(due(&difference.stands));
        differences.add_row([
            difference.account.clone(),
            words(&difference.stands),
            words(&difference.would_be),
            amount(change, currency),
        ]);
    }
    say!("{differences}");
    for difference in &report.differences {
        if let Some(reason) = &difference.reason {
            say!("would be parked {}: {reason}", difference.account);
        }
    }
}
