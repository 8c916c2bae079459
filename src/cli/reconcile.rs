//! `quittance reconcile`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::Global;
use super::print::{count, counted, table};
use crate::engine::collect::Fate;
use crate::engine::reconcile::Reconciliation;
use crate::say;
use crate::views::reconciliation::ReconciliationView;

#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

pub async fn reconcile(global: &Global, args: ReconcileArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let done = engine.reconcile().await;
    engine.store.close().await;
    let view = ReconciliationView::from(&done);
    if args.json {
        super::json::print(&view)?;
    } else if view.is_empty() {
        say!("No outcome is out.");
    } else {
        print(&done, &view);
    }
    // What stopped a part of it is what the command failed by.
    done.cards?;
    done.refunds?;
    done.purchases?;
    done.disputes?;
    Ok(if view.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(done: &Reconciliation, view: &ReconciliationView) {
    if let Ok(cards) = &done.cards
        && !cards.fates.is_empty()
    {
        let mut rows = table(["outcome", "payments"], 1);
        for (fate, payments) in &cards.fates {
            rows.add_row([fate.to_string(), count(*payments)]);
        }
        say!("{rows}");
    }
    if let Ok(refunds) = &done.refunds {
        for refund in &refunds.refunds {
            say!("refund {}: {}", refund.id, refund.state);
        }
    }
    if view.purchases.asked > 0 {
        say!(
            "purchases of credit: {} asked for, {} finished",
            count(view.purchases.asked),
            count(view.purchases.finished)
        );
    }
    if view.disputes > 0 {
        say!("{} read again", counted(view.disputes, "dispute"));
    }
    if let Ok(cards) = &done.cards {
        for (payment, reason) in &cards.unanswered {
            say!("payment {payment} is still unknown: {reason}");
        }
    }
    for problem in &view.problems {
        say!("{}: {}", problem.what, problem.problem);
    }
    if let Ok(cards) = &done.cards {
        let open = [Fate::Unknown, Fate::Pending]
            .iter()
            .filter_map(|fate| cards.fates.get(fate))
            .sum::<u64>();
        if open > 0 {
            say!("{} still without an outcome", counted(open, "payment"));
        }
    }
}
