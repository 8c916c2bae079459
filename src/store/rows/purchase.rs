//! Purchases of prepaid credit.

use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PurchaseId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;

/// A purchase to be recorded, in flight from then on.
#[derive(Debug, Clone, Copy)]
pub struct NewPurchase {
    pub account: AccountId,
    pub id: PurchaseId,
    pub amount: Money,
    pub created_at: Instant,
}

/// A recorded purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPurchase {
    pub account: AccountId,
    /// The platform's id of the account.
    pub external_id: String,
    pub id: PurchaseId,
    pub amount: Money,
    pub state: AttemptState,
    /// What the customer approves.
    pub order_reference: Option<String>,
    /// What then took the money.
    pub provider_reference: Option<String>,
    /// What the provider said of it that cannot be booked.
    pub problem: Option<String>,
    pub created_at: Instant,
    /// When its present outcome came.
    pub decided_at: Option<Instant>,
}

/// What was given back of a purchase, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurchaseSums {
    /// By refunds that succeeded.
    pub refunded_minor: i64,
    /// By disputes, without what was won back.
    pub taken_back_minor: i64,
}
