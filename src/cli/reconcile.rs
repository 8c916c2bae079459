//! `quittance reconcile`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Global;
use super::print::{count, counted, table};
use crate::engine::collect::Fate;
use crate::engine::purchase::Reconciled;
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
    /// Purchases of credit.
    purchases: PurchasesJson,
    /// How many disputes were read again.
    disputes: u64,
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
struct PurchasesJson {
    asked: u64,
    finished: u64,
}

#[derive(Serialize)]
struct ProblemJson {
    /// Such as `payment 01a0c4506c00...`.
    what: String,
    problem: String,
}

pub async fn reconcile(global: &Global, args: ReconcileArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let cards = engine.reconcile_cards().await?;
    let refunds = engine.reconcile_refunds().await?;
    let purchases = match engine.config.paypal {
        Some(_) => {
            let paypal = engine.providers.paypal(&engine.config)?;
            engine.reconcile_purchases(paypal).await?
        }
        None => Reconciled::default(),
    };
    let disputes = engine.reconcile_disputes().await?;
    engine.store.close().await;
    let mut problems: Vec<(String, String)> = cards
        .problems
        .iter()
        .map(|(payment, problem)| (format!("payment {payment}"), problem.clone()))
        .collect();
    problems.extend(
        refunds
            .problems
            .iter()
            .map(|(refund, problem)| (format!("refund {refund}"), problem.to_string())),
    );
    problems.extend(
        purchases
            .unfinished
            .iter()
            .map(|unfinished| (unfinished.what.clone(), unfinished.error.to_string())),
    );
    problems.extend(
        disputes
            .problems
            .iter()
            .map(|(dispute, problem)| (format!("dispute {dispute}"), problem.clone())),
    );
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
                .refunds
                .iter()
                .map(|refund| RefundJson {
                    refund: refund.id.to_string(),
                    state: refund.state.code(),
                })
                .collect(),
            purchases: PurchasesJson {
                asked: purchases.asked,
                finished: purchases.finished,
            },
            disputes: disputes.asked,
            problems: problems
                .iter()
                .map(|(what, problem)| ProblemJson {
                    what: what.clone(),
                    problem: problem.clone(),
                })
                .collect(),
        })?;
    } else if cards.fates.is_empty()
        && refunds.refunds.is_empty()
        && purchases.asked == 0
        && disputes.asked == 0
        && problems.is_empty()
    {
        say!("No outcome is out.");
    } else {
        let mut rows = table(["outcome", "payments"], 1);
        for (fate, payments) in &cards.fates {
            rows.add_row([fate.to_string(), count(*payments)]);
        }
        if !cards.fates.is_empty() {
            say!("{rows}");
        }
        for refund in &refunds.refunds {
            say!("refund {}: {}", refund.id, refund.state);
        }
        if purchases.asked > 0 {
            say!(
                "purchases of credit: {} asked for, {} finished",
                count(purchases.asked),
                count(purchases.finished)
            );
        }
        if disputes.asked > 0 {
            say!("{} read again", counted(disputes.asked, "dispute"));
        }
        for (payment, reason) in &cards.unanswered {
            say!("payment {payment} is still unknown: {reason}");
        }
        for (what, problem) in &problems {
            say!("{what}: {problem}");
        }
        let open = [Fate::Unknown, Fate::Pending]
            .iter()
            .filter_map(|fate| cards.fates.get(fate))
            .sum::<u64>();
        if open > 0 {
            say!("{} still without an outcome", counted(open, "payment"));
        }
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
