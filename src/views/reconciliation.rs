//! What outcomes that were out came to.

use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::reconcile::Reconciliation;

#[derive(Serialize, ToSchema)]
pub struct ReconciliationView {
    pub payments: Vec<ReconciledPaymentsView>,
    pub refunds: Vec<ReconciledRefundView>,
    /// Purchases of credit.
    pub purchases: ReconciledPurchasesView,
    /// How many disputes were read again.
    pub disputes: u64,
    pub problems: Vec<ReconciliationProblemView>,
}

#[derive(Serialize, ToSchema)]
pub struct ReconciledPaymentsView {
    pub outcome: &'static str,
    pub payments: u64,
}

#[derive(Serialize, ToSchema)]
pub struct ReconciledRefundView {
    pub refund: String,
    pub state: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct ReconciledPurchasesView {
    pub asked: u64,
    pub finished: u64,
}

#[derive(Serialize, ToSchema)]
pub struct ReconciliationProblemView {
    /// Such as `payment 01a0c4506c00...`.
    pub what: String,
    pub problem: String,
}

impl From<&Reconciliation> for ReconciliationView {
    fn from(done: &Reconciliation) -> Self {
        let mut view = Self {
            payments: Vec::new(),
            refunds: Vec::new(),
            purchases: ReconciledPurchasesView {
                asked: 0,
                finished: 0,
            },
            disputes: 0,
            problems: Vec::new(),
        };
        match &done.cards {
            Ok(cards) => {
                let fates = cards.fates.iter();
                view.payments = fates
                    .map(|(fate, &payments)| ReconciledPaymentsView {
                        outcome: fate.code(),
                        payments,
                    })
                    .collect();
                for (payment, problem) in &cards.problems {
                    view.problem(format!("payment {payment}"), problem);
                }
            }
            Err(error) => view.problem("payments", error),
        }
        match &done.refunds {
            Ok(refunds) => {
                let each = refunds.refunds.iter();
                view.refunds = each
                    .map(|refund| ReconciledRefundView {
                        refund: refund.id.to_string(),
                        state: refund.state.code(),
                    })
                    .collect();
                for (refund, problem) in &refunds.problems {
                    view.problem(format!("refund {refund}"), problem);
                }
            }
            Err(error) => view.problem("refunds", error),
        }
        match &done.purchases {
            Ok(purchases) => {
                view.purchases = ReconciledPurchasesView {
                    asked: purchases.asked,
                    finished: purchases.finished,
                };
                for unfinished in &purchases.unfinished {
                    view.problem(unfinished.what.as_str(), &unfinished.error);
                }
            }
            Err(error) => view.problem("purchases", error),
        }
        match &done.disputes {
            Ok(disputes) => {
                view.disputes = disputes.asked;
                for (dispute, problem) in &disputes.problems {
                    view.problem(format!("dispute {dispute}"), problem);
                }
            }
            Err(error) => view.problem("disputes", error),
        }
        view
    }
}

impl ReconciliationView {
    fn problem(&mut self, what: impl Into<String>, problem: impl Display) {
        self.problems.push(ReconciliationProblemView {
            what: what.into(),
            problem: problem.to_string(),
        });
    }

    /// Whether nothing was out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payments.is_empty()
            && self.refunds.is_empty()
            && self.purchases.asked == 0
            && self.disputes == 0
            && self.problems.is_empty()
    }
}
