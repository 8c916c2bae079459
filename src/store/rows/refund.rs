//! Money given back.

use super::ByPerson;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PurchaseId, RefundId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::domain::payment::refund::RefundPurpose;

/// The payment that is given back, or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunded {
    /// A payment of an invoice.
    Attempt(AttemptId),
    /// A purchase of credit.
    Purchase(PurchaseId),
}

impl Refunded {
    /// The ids of it, as the columns `attempt_id` and `purchase_id` hold them.
    #[must_use]
    pub fn columns(self) -> (Option<String>, Option<String>) {
        match self {
            Self::Attempt(id) => (Some(id.to_string()), None),
            Self::Purchase(id) => (None, Some(id.to_string())),
        }
    }
}

/// A refund to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewRefund<'a> {
    pub id: RefundId,
    pub account: AccountId,
    pub of: Refunded,
    pub purpose: RefundPurpose,
    pub amount: Money,
    /// What of it is given back out of the customer's credit, in minor units.
    pub credit_minor: i64,
    /// `Created`, or `Succeeded` for one that its provider told of.
    pub state: &'a AttemptState,
    pub provider_reference: Option<&'a str>,
    pub by: ByPerson<'a>,
    pub created_at: Instant,
}

/// A recorded refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefund {
    pub id: RefundId,
    pub account: AccountId,
    pub of: Refunded,
    pub purpose: RefundPurpose,
    pub amount: Money,
    /// What of it is given back out of the customer's credit, in minor units.
    pub credit_minor: i64,
    pub state: AttemptState,
    /// Whether it was recorded as declined before it turned up after all.
    pub was_declined: bool,
    pub provider_reference: Option<String>,
    pub actor: String,
    pub reason: String,
    pub created_at: Instant,
    pub decided_at: Option<Instant>,
}
