//! `quittance reconcile`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Global;
use super::print::{count, counted, table};
use crate::engine::collect::Fate;
use crate::say;

#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ReconciledJson {
    payments: Vec<FateJson>,
    refunds: Vec<RefundJson>,
    problems: Vec<ProblemJson>,
}

#[derive(Serialize)]
struct FateJson {
    outcome: &'static str,
    payments: u64,
}

#[derive(Serialize)]
struct RefundJson {
    refund: String,
    state: &'static str,
}

#[derive(Serialize)]
struct ProblemJson {
    payment: String,
    problem: String,
}

pub async fn reconcile(global: &Global, args: ReconcileArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let cards = engine.reconcile_cards().await?;
    let refunds = engine.reconcile_refunds().await?;
    engine.store.close().await;
    if args.json {
        super::json::print(&ReconciledJson {
            payments: cards
                .fates
                .iter()
                .map(|(fate, &payments)| FateJson {
                    outcome: fate.code(),
                    payments,
                })
                .collect(),
            refunds: refunds
                .iter()
                .map(|refund| RefundJson {
                    refund: refund.id.to_string(),
                    state: refund.state.code(),
                })
                .collect(),
            problems: cards
                .problems
                .iter()
                .map(|(payment, problem)| ProblemJson {
                    payment: payment.to_string(),
                    problem: problem.clone(),
                })
                .collect(),
        })?;
    } else if cards.fates.is_empty() && refunds.is_empty() && cards.problems.is_empty() {
        say!("No outcome is out.");
    } else {
        let mut rows = table(["outcome", "payments"], 1);
        for (fate, payments) in &cards.fates {
            rows.add_row([fate.to_string(), count(*payments)]);
        }
        if !cards.fates.is_empty() {
            say!("{rows}");
        }
        for refund in &refunds {
            say!("refund {}: {}", refund.id, refund.state);
        }
        for (payment, problem) in &cards.problems {
            say!("payment {payment}: {problem}");
        }
        let open = [Fate::Unknown, Fate::Pending]
            .iter()
            .filter_map(|fate| cards.fates.get(fate))
            .sum::<u64>();
        if open > 0 {
            say!("{} still without an outcome", counted(open, "payment"));
        }
    }
    Ok(if cards.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
