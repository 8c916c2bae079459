//! `quittance collect`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chrono::NaiveDate;
use clap::Args;

use super::Global;
use super::print::{Meter, amount, counted, table};
use super::scope::ScopeArgs;
use crate::domain::calendar::PeriodKey;
use crate::domain::payment::PaymentMethod;
use crate::engine::collect::Tally;
use crate::engine::desk::asked::CollectionAsked;
use crate::views::collection::CollectionView;
use crate::{complain, say};

#[derive(Debug, Args)]
pub struct CollectArgs {
    /// Only invoices of this month, such as 2026-10, the paid ones counted too
    #[arg(long, value_name = "MONTH", conflicts_with = "invoice")]
    period: Option<PeriodKey>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Only invoices for which a payment failed on this day or later
    #[arg(long, value_name = "DATE")]
    failed_since: Option<NaiveDate>,
    /// Only by this method: credit, sepa or card
    #[arg(long, value_name = "METHOD", value_parser = method)]
    method: Option<PaymentMethod>,
    /// Show what would be charged, and charge nothing
    #[arg(long)]
    dry_run: bool,
    /// Charge without asking
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Print the plan and the outcome as JSON
    #[arg(long)]
    json: bool,
}

pub async fn collect(global: &Global, args: CollectArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let asked = CollectionAsked {
        scope: args.scope.asked(args.period),
        failed_since: args.failed_since,
        only: args.method,
    };
    let request = engine.collection(&asked).await?;
    let plan = engine.plan_collection(&request).await?;
    if !args.json {
        print_tally("would be charged", &plan);
    }
    let mut outcome = None;
    if !args.dry_run && plan.invoices > 0 {
        if !args.yes && !confirmed(&plan)? {
            bail!("nothing was charged");
        }
        let meter = Meter::new("accounts", plan.accounts, args.json);
        let charged = engine.collect(&request, &|| meter.advance(1)).await;
        meter.finish();
        let charged = charged?;
        if !args.json {
            say!("");
            print_tally("charged", &charged);
        }
        outcome = Some(charged);
    }
    if args.json {
        super::json::print(&CollectionView::new(&plan, outcome.as_ref()))?;
    }
    engine.store.close().await;
    let problems = outcome.as_ref().unwrap_or(&plan).problems.len();
    if problems > 0 {
        complain!("{} could not be charged", counted(problems, "account"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks on a terminal.
fn confirmed(plan: &Tally) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was charged: this is no terminal to ask on, pass --yes");
    }
    complain!("Charge {}? [y/N]", counted(plan.invoices, "invoice"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn print_tally(what: &str, tally: &Tally) {
    if tally.charged.is_empty() && tally.left_out.is_empty() && tally.problems.is_empty() {
        say!("No invoice is open.");
        return;
    }
    let mut rows = table([what, "outcome", "invoices", "sum"], 2);
    for ((method, fate, currency), sum) in &tally.charged {
        rows.add_row([
            method.to_string(),
            fate.to_string(),
            sum.invoices.to_string(),
            amount(sum.amount_minor, *currency),
        ]);
    }
    if tally.charged.is_empty() {
        say!("nothing {what}");
    } else {
        say!("{rows}");
    }
    for (account, problem) in &tally.problems {
        say!("account {account}: {problem}");
    }
    for (reason, invoices) in &tally.rest {
        say!("still open: {}: {reason}", counted(invoices, "invoice"));
    }
    for (reason, invoices) in &tally.left_out {
        say!("left out: {}: {reason}", counted(invoices, "invoice"));
    }
}

fn method(text: &str) -> Result<PaymentMethod, &'static str> {
    PaymentMethod::from_code(text).ok_or("is none of credit, sepa, card")
}
