//! What a run came to for an account.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::rows::ListedOutcome;

#[derive(Serialize, ToSchema)]
pub struct OutcomeView {
    account: String,
    /// `invoiced`, `nothing_due` or `parked`.
    outcome: &'static str,
    /// Why it is parked.
    reason: Option<String>,
    /// Whether a person accepted its total in spite of the bounds.
    released: bool,
    /// The number of its invoice.
    invoice: Option<String>,
    currency: Option<&'static str>,
    total_minor: Option<i64>,
}

impl From<ListedOutcome> for OutcomeView {
    fn from(outcome: ListedOutcome) -> Self {
        let invoice = outcome.invoice.as_ref();
        Self {
            account: outcome.external_id,
            outcome: outcome.kind.code(),
            reason: outcome.reason,
            released: outcome.is_released,
            invoice: invoice.map(|(number, _, _)| number.to_string()),
            currency: invoice.map(|(_, currency, _)| currency.code()),
            total_minor: invoice.map(|(_, _, total_minor)| *total_minor),
        }
    }
}
