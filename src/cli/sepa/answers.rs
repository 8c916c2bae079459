//! `quittance sepa import`, `unmatched` and `close`: what the bank answered.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use crate::cli::Global;
use crate::cli::print::{Meter, amount, count, counted, table};
use crate::domain::money::Money;
use crate::domain::text::plain_text;
use crate::engine::bank::report::{key_from_text, key_text};
use crate::engine::bank::{ImportReport, ReadProgress};
use crate::store::rows::ByPerson;
use crate::views::bank::{BankAnswerView, BankFactView};
use crate::{complain, say};

/// How many unmatched facts are listed.
const LISTED_MAX: i64 = 1_000;

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The bank's file; importing one again changes nothing
    file: PathBuf,
    /// Print what became of it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct UnmatchedArgs {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct CloseArgs {
    /// The fact's key, as `sepa unmatched` lists it
    key: String,
    /// What was done about it; kept with who did it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who does it
    #[arg(long, env = "USER", value_name = "NAME")]
    by: String,
}

struct FileMeter {
    meter: Meter,
    at: AtomicU64,
}

impl ReadProgress for FileMeter {
    fn read(&self, bytes: u64) {
        let before = self.at.swap(bytes, Ordering::Relaxed);
        self.meter.advance(bytes.saturating_sub(before));
    }
}

pub async fn import(global: &Global, args: ImportArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let name = args.file.display();
    let bytes = std::fs::metadata(&args.file).map_or(0, |file| file.len());
    let progress = Arc::new(FileMeter {
        meter: Meter::new("bytes", bytes, args.json),
        at: AtomicU64::new(0),
    });
    let told: Arc<dyn ReadProgress> = progress.clone();
    let imported = engine.import_bank_answer(&args.file, told).await;
    progress.meter.finish();
    engine.store.clone().close().await;
    let report = imported.with_context(|| format!("{name}: nothing was booked"))?;
    if args.json {
        super::super::json::print(&BankAnswerView::from(&report))?;
    } else {
        print_report(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_report(report: &ImportReport) {
    let file = &report.file;
    let account = report
        .account
        .as_ref()
        .map_or_else(String::new, |account| format!(" of {account}"));
    say!("{} {}{account}", file.version, file.message_id);
    if report.was_known {
        say!(
            "It was imported at {}: nothing was changed.",
            file.imported_at
        );
        return;
    }
    let mut rows = table(["outcome", "debits", "sum"], 1);
    for ((outcome, currency), sum) in &report.outcomes {
        rows.add_row([
            outcome.code().to_owned(),
            count(sum.debits),
            amount(sum.amount_minor, *currency),
        ]);
    }
    if report.outcomes.is_empty() {
        say!("No debit has another outcome now.");
    } else {
        say!("{rows}");
    }
    let mut parts = vec![counted(report.entries, "entry").replace("entrys", "entries")];
    parts.push(format!("{} known", count(report.known)));
    if report.left_to_statement > 0 {
        parts.push(format!(
            "{} left to the statement",
            count(report.left_to_statement)
        ));
    }
    parts.push(format!("{} unmatched", count(report.unmatched)));
    say!("{}", parts.join(", "));
    if report.waited > 0 {
        let batches = counted(report.waited, "batch").replace("batchs", "batches");
        say!("{batches} booked that waited for these rejects");
    }
    for fact in &report.unmatched_facts {
        say!(
            "unmatched: {}: {}{}",
            fact.place,
            kind_and_amount(fact.kind, fact.amount),
            fact.problem
        );
    }
    if report.unmatched > 0 {
        say!("`quittance sepa unmatched` lists what a person has to look at.");
    }
}

fn kind_and_amount(kind: &str, amount: Option<Money>) -> String {
    match amount {
        Some(amount) => format!("{kind} {amount}: "),
        None => format!("{kind}: "),
    }
}

pub async fn unmatched(global: &Global, args: UnmatchedArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let mut facts = engine.unmatched_facts(LISTED_MAX + 1).await?;
    let most = usize::try_from(LISTED_MAX)?;
    if facts.len() > most {
        facts.truncate(most);
        complain!(
            "only the first {} are listed: close some of them",
            count(LISTED_MAX)
        );
    }
    if args.json {
        let all: Vec<BankFactView> = facts.iter().map(BankFactView::from).collect();
        super::super::json::print(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    if facts.is_empty() {
        say!("Nothing that the bank told waits for a person.");
        return Ok(ExitCode::SUCCESS);
    }
    for fact in &facts {
        let day = fact
            .booked_on
            .map_or_else(String::new, |day| format!(" booked on {day}"));
        say!(
            "{}  {} {}, {}{day}",
            key_text(&fact.key),
            fact.version,
            fact.message_id,
            fact.place
        );
        say!(
            "  {}{}",
            kind_and_amount(&fact.kind, fact.amount),
            fact.problem
        );
    }
    say!("{}", counted(facts.len(), "fact"));
    Ok(ExitCode::SUCCESS)
}

pub async fn close(global: &Global, args: CloseArgs) -> Result<ExitCode> {
    let by = ByPerson {
        actor: plain_text(&args.by).map_err(|reason| anyhow!("--by {reason}"))?,
        reason: plain_text(&args.reason).map_err(|reason| anyhow!("--reason {reason}"))?,
    };
    let Some(key) = key_from_text(&args.key) else {
        bail!("{:?} is not the key of a fact: 32 hex digits", args.key);
    };
    let engine = global.open().await?;
    engine.close_fact(&key, by).await?;
    say!("closed {}: {}", args.key, by.reason);
    Ok(ExitCode::SUCCESS)
}
