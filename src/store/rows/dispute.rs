//! Disputes of payments.

use super::{EventSource, Refunded};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::money::Money;
use crate::domain::payment::dispute::{DisputeState, RecordedDispute};

/// A recorded dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDispute {
    pub account: AccountId,
    /// Raised per account.
    pub id: i64,
    pub source: EventSource,
    /// What the provider calls it; nothing while only its reversal was told.
    pub reference: Option<String>,
    /// What PayPal calls the reversal that carried it out.
    pub reversal: Option<String>,
    /// The payment that it is about.
    pub of: Refunded,
    pub amount: Money,
    /// What the provider took for it, in minor units.
    pub fee_minor: i64,
    pub state: DisputeState,
    pub announced_at: Instant,
    /// When it was booked that the money was taken back; never where none was.
    pub opened_at: Option<Instant>,
    /// When it was read that it is decided.
    pub closed_at: Option<Instant>,
}

impl StoredDispute {
    /// As the rules see it.
    #[must_use]
    pub const fn recorded(&self) -> RecordedDispute {
        RecordedDispute {
            state: self.state,
            amount_minor: self.amount.minor,
            fee_minor: self.fee_minor,
            is_booked: self.opened_at.is_some(),
        }
    }
}
