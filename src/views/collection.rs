//! What collecting charges, and what it leaves out.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::payment::LeftOut;
use crate::engine::collect::{Fate, Tally};

#[derive(Serialize, ToSchema)]
pub struct CollectionView {
    plan: CollectionTallyView,
    /// Nothing when nothing was charged.
    outcome: Option<CollectionTallyView>,
}

impl CollectionView {
    #[must_use]
    pub fn new(plan: &Tally, outcome: Option<&Tally>) -> Self {
        Self {
            plan: CollectionTallyView::from(plan),
            outcome: outcome.map(CollectionTallyView::from),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct CollectionTallyView {
    charged: Vec<ChargedView>,
    left_out: Vec<LeftOutView>,
    /// Accounts that could not be charged, with what they met.
    problems: Vec<CollectionProblemView>,
    /// Why invoices that are charged in part are not charged in full.
    rest_open: Vec<LeftOutView>,
}

#[derive(Serialize, ToSchema)]
pub struct CollectionProblemView {
    /// The house's own key of the account.
    account: i64,
    problem: String,
}

#[derive(Serialize, ToSchema)]
pub struct ChargedView {
    method: &'static str,
    /// What became of it; nothing in a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    currency: &'static str,
    invoices: u64,
    amount_minor: i64,
}

#[derive(Serialize, ToSchema)]
pub struct LeftOutView {
    code: &'static str,
    reason: String,
    invoices: u64,
}

impl From<&Tally> for CollectionTallyView {
    fn from(tally: &Tally) -> Self {
        let reasons = |reasons: &BTreeMap<LeftOut, u64>| {
            let reason = |(reason, &invoices): (&LeftOut, &u64)| LeftOutView {
                code: reason.code(),
                reason: reason.to_string(),
                invoices,
            };
            reasons.iter().map(reason).collect()
        };
        Self {
            charged: tally
                .charged
                .iter()
                .map(|((method, fate, currency), sum)| ChargedView {
                    method: method.code(),
                    outcome: (*fate != Fate::Planned).then_some(fate.code()),
                    currency: currency.code(),
                    invoices: sum.invoices,
                    amount_minor: sum.amount_minor,
                })
                .collect(),
            problems: tally
                .problems
                .iter()
                .map(|(account, problem)| CollectionProblemView {
                    account: account.0,
                    problem: problem.clone(),
                })
                .collect(),
            left_out: reasons(&tally.left_out),
            rest_open: reasons(&tally.rest),
        }
    }
}
