//! A refund.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::rows::{Refunded, StoredRefund};

/// A refund as every command prints it.
#[derive(Serialize, ToSchema)]
pub struct RefundView {
    id: String,
    /// What it gives back: a payment of an invoice, or a purchase of credit.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase: Option<String>,
    purpose: &'static str,
    currency: &'static str,
    amount_minor: i64,
    /// What of it is given back out of the customer's credit.
    credit_minor: i64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<String>,
    reference: Option<String>,
    by: String,
    reason: String,
    created_at: String,
    decided_at: Option<String>,
}

impl From<&StoredRefund> for RefundView {
    fn from(refund: &StoredRefund) -> Self {
        let (payment, purchase) = match refund.of {
            Refunded::Attempt(attempt) => (Some(attempt.to_string()), None),
            Refunded::Purchase(purchase) => (None, Some(purchase.to_string())),
        };
        let refusal = refund.state.refusal();
        Self {
            id: refund.id.to_string(),
            payment,
            purchase,
            purpose: refund.purpose.code(),
            currency: refund.amount.currency.code(),
            amount_minor: refund.amount.minor,
            credit_minor: refund.credit_minor,
            state: refund.state.code(),
            decline: refusal.map(|refusal| refusal.code.clone()),
            reference: refund.provider_reference.clone(),
            by: refund.actor.clone(),
            reason: refund.reason.clone(),
            created_at: refund.created_at.to_string(),
            decided_at: refund.decided_at.map(|at| at.to_string()),
        }
    }
}
