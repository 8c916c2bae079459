//! `quittance sepa batch` and what becomes of a file: released, canceled, shown.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;

use super::super::Global;
use super::super::person::PersonArgs;
use super::super::print::{amount, count, counted, table};
use crate::domain::money::Currency;
use crate::domain::sepa::target::{business_day_from, is_business_day};
use crate::engine::sepa::{BatchMade, LeftOutFate};
use crate::store::rows::StoredBatch;
use crate::views::sepa::{self, SepaFileStoryView, SepaFileView};
use crate::{complain, say};

#[derive(Debug, Args)]
pub struct BatchArgs {
    /// Collect on this day at the earliest [default: as early as possible]
    #[arg(long, value_name = "DATE")]
    collect_on: Option<NaiveDate>,
    /// Where to put the file, besides the archive; never over another file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only tell what would be in it
    #[arg(long, conflicts_with = "out")]
    dry_run: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ChosenArgs {
    /// The message's id
    id: String,
    #[command(flatten)]
    person: PersonArgs,
}

pub async fn release(global: &Global, args: &ChosenArgs) -> Result<()> {
    let by = args.person.check()?;
    let released = global.open().await?.release_batch(&args.id, by).await?;
    say!("released {}", what(&released.batch));
    say!("It can go to the bank now, once.");
    Ok(())
}

pub async fn cancel(global: &Global, args: &ChosenArgs) -> Result<()> {
    let by = args.person.check()?;
    let canceled = global.open().await?.cancel_batch(&args.id, by).await?;
    say!("canceled {}", what(&canceled.batch));
    say!("Its file must not go to the bank: destroy every copy.");
    Ok(())
}

pub async fn file(global: &Global, id: &str, out: &Path) -> Result<()> {
    global.open().await?.batch_file(id, out).await?;
    say!("{}", out.display());
    Ok(())
}

fn what(batch: &StoredBatch) -> String {
    format!(
        "{}: {}, {}",
        batch.id,
        counted(batch.debits, "debit"),
        amount(batch.sum_minor, Currency::Eur)
    )
}

/// It fails where anything was left out, though the file is made of the rest.
pub async fn batch(global: &Global, args: BatchArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let out = args.out.as_deref();
    let made = if args.dry_run {
        engine.plan_batch(args.collect_on).await?
    } else {
        engine.make_batch(args.collect_on, out).await?
    };
    if let Some(day) = args.collect_on.filter(|day| !is_business_day(*day)) {
        let next = business_day_from(day);
        complain!("{day} is no TARGET day: nothing is collected before {next}");
    }
    if args.json {
        super::super::json::print(&sepa::made(&made, out)?)?;
    } else {
        print_made(&made, args.dry_run, out);
    }
    if made.left_out.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    complain!("{} left out", counted(made.left_out.len(), "debit"));
    Ok(ExitCode::FAILURE)
}

fn print_made(made: &BatchMade, dry_run: bool, out: Option<&Path>) {
    for left_out in &made.left_out {
        say!(
            "left out: {} of {}: {}",
            left_out.number,
            left_out.external_id,
            left_out.reason
        );
    }
    let number = |fate| {
        let of_it = made.left_out.iter().filter(|debit| debit.fate == fate);
        of_it.count()
    };
    let (withdrawn, waiting) = (number(LeftOutFate::Withdrawn), number(LeftOutFate::Waits));
    if withdrawn > 0 {
        let would_be = if dry_run { " would be" } else { "" };
        say!(
            "{}{would_be} withdrawn, for collecting to decide anew.",
            counted(withdrawn, "debit")
        );
    }
    if waiting > 0 {
        say!(
            "{} waiting on: the next file has it once that is mended.",
            counted(waiting, "debit")
        );
    }
    let Some(id) = &made.id else {
        if made.left_out.is_empty() {
            say!("No direct debit waits to be collected.");
        } else {
            say!("There is no file: nothing can be collected.");
        }
        return;
    };
    let head = ["collected on", "scheme", "sequence", "debits", "sum"];
    let mut rows = table(head, 3);
    for block in &made.blocks {
        rows.add_row([
            block.collect_on.to_string(),
            block.scheme.to_string(),
            block.sequence.to_string(),
            count(block.debits),
            amount(block.sum_minor, Currency::Eur),
        ]);
    }
    say!(
        "{rows}\n{}: {}",
        counted(made.debits, "debit"),
        amount(made.sum_minor, Currency::Eur)
    );
    if dry_run {
        say!("Nothing is written.");
        return;
    }
    say!("batch {id}, {}, made for {}", made.version, made.submit_on);
    match out {
        Some(out) => say!("file: {}", out.display()),
        None => say!("`quittance sepa file {id} --out FILE` gets its file."),
    }
    say!("`quittance sepa release {id} --reason ...` lets it go to the bank.");
}

pub async fn list(global: &Global, json: bool) -> Result<()> {
    let batches = global.open().await?.batches().await?;
    if json {
        let all: Vec<SepaFileView> = batches.iter().map(SepaFileView::from).collect();
        return super::super::json::print(&all);
    }
    if batches.is_empty() {
        say!("There are no batches.");
        return Ok(());
    }
    let mut rows = table(["id", "made", "state", "released", "debits", "sum"], 4);
    for batch in &batches {
        let released = batch.released_at.map(|at| at.to_string());
        rows.add_row([
            batch.id.clone(),
            batch.created_at.to_string(),
            batch.state.code().to_owned(),
            released.unwrap_or_default(),
            count(batch.debits),
            amount(batch.sum_minor, Currency::Eur),
        ]);
    }
    say!("{rows}\n{} listed", counted(batches.len(), "file"));
    Ok(())
}

pub async fn show(global: &Global, id: &str, json: bool) -> Result<()> {
    let shown = global.open().await?.show_batch(id).await?;
    if json {
        return super::super::json::print(&SepaFileStoryView::from(&shown));
    }
    let head = [
        "block",
        "collected on",
        "scheme",
        "sequence",
        "debits",
        "sum",
    ];
    let mut rows = table(head, 4);
    for block in &shown.blocks {
        rows.add_row([
            block.id.clone(),
            block.collect_on.to_string(),
            block.scheme.to_string(),
            block.sequence.to_string(),
            count(block.debits),
            amount(block.sum_minor, Currency::Eur),
        ]);
    }
    let batch = &shown.batch;
    say!("{rows}\n{} ({})", what(batch), batch.state.code());
    for own in &shown.progress {
        say!(
            "{}: {}, {}",
            own.state,
            counted(own.debits, "debit"),
            amount(own.sum_minor, Currency::Eur)
        );
    }
    say!("SHA-256 of the file: {}", batch.digest);
    Ok(())
}
