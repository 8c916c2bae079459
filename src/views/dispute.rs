//! A dispute, of a payment or of a purchase.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::rows::StoredDispute;

#[derive(Serialize, ToSchema)]
pub struct DisputeView {
    provider: &'static str,
    /// What the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// What PayPal calls the reversal that carried it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversal: Option<String>,
    currency: &'static str,
    amount_minor: i64,
    fee_minor: i64,
    state: &'static str,
    announced_at: String,
    /// When it was booked that the money was taken back.
    opened_at: Option<String>,
    closed_at: Option<String>,
}

impl From<&StoredDispute> for DisputeView {
    fn from(dispute: &StoredDispute) -> Self {
        Self {
            provider: dispute.source.code(),
            reference: dispute.reference.clone(),
            reversal: dispute.reversal.clone(),
            currency: dispute.amount.currency.code(),
            amount_minor: dispute.amount.minor,
            fee_minor: dispute.fee_minor,
            state: dispute.state.code(),
            announced_at: dispute.announced_at.to_string(),
            opened_at: dispute.opened_at.map(|at| at.to_string()),
            closed_at: dispute.closed_at.map(|at| at.to_string()),
        }
    }
}
