//! What the bank told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::bank::report::key_text;
use crate::engine::bank::{ImportReport, Unmatched};
use crate::store::rows::UnmatchedFact;

#[derive(Serialize, ToSchema)]
pub struct BankAnswerView {
    kind: String,
    version: String,
    message_id: String,
    /// Masked; none in a pain.002.
    account: Option<String>,
    /// When it was imported, if that was before.
    known_since: Option<String>,
    entries: u64,
    outcomes: Vec<BankOutcomeView>,
    known: u64,
    left_to_statement: u64,
    waited: u64,
    unmatched: u64,
    unmatched_facts: Vec<BankFactView>,
}

#[derive(Serialize, ToSchema)]
pub struct BankOutcomeView {
    outcome: &'static str,
    currency: &'static str,
    debits: u64,
    amount_minor: i64,
}

#[derive(Serialize, ToSchema)]
pub struct BankFactView {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<BankFileView>,
    place: String,
    kind: String,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    problem: String,
}

#[derive(Serialize, ToSchema)]
pub struct BankFileView {
    message_id: String,
    version: String,
    imported_at: String,
    booked_on: Option<String>,
}

impl From<&ImportReport> for BankAnswerView {
    fn from(report: &ImportReport) -> Self {
        let file = &report.file;
        Self {
            kind: file.kind.clone(),
            version: file.version.clone(),
            message_id: file.message_id.clone(),
            account: report.account.as_ref().map(ToString::to_string),
            known_since: report.was_known.then(|| file.imported_at.to_string()),
            entries: report.entries,
            outcomes: report
                .outcomes
                .iter()
                .map(|((outcome, currency), sum)| BankOutcomeView {
                    outcome: outcome.code(),
                    currency: currency.code(),
                    debits: sum.debits,
                    amount_minor: sum.amount_minor,
                })
                .collect(),
            known: report.known,
            left_to_statement: report.left_to_statement,
            waited: report.waited,
            unmatched: report.unmatched,
            unmatched_facts: report
                .unmatched_facts
                .iter()
                .map(BankFactView::from)
                .collect(),
        }
    }
}

impl From<&Unmatched> for BankFactView {
    fn from(fact: &Unmatched) -> Self {
        Self {
            key: key_text(&fact.key),
            file: None,
            place: fact.place.clone(),
            kind: fact.kind.to_owned(),
            amount_minor: fact.amount.map(|amount| amount.minor),
            currency: fact.amount.map(|amount| amount.currency.code()),
            problem: fact.problem.clone(),
        }
    }
}

impl From<&UnmatchedFact> for BankFactView {
    fn from(fact: &UnmatchedFact) -> Self {
        Self {
            key: key_text(&fact.key),
            file: Some(BankFileView {
                message_id: fact.message_id.clone(),
                version: fact.version.clone(),
                imported_at: fact.imported_at.to_string(),
                booked_on: fact.booked_on.map(|day| day.to_string()),
            }),
            place: fact.place.clone(),
            kind: fact.kind.clone(),
            amount_minor: fact.amount.map(|amount| amount.minor),
            currency: fact.amount.map(|amount| amount.currency.code()),
            problem: fact.problem.clone(),
        }
    }
}
