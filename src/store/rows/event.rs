//! What providers tell by themselves.

use crate::domain::calendar::Instant;
use crate::domain::ledger::ProviderName;

/// An event that a provider sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    pub provider: ProviderName,
    /// What the provider calls it.
    pub id: String,
    /// Such as `payment_intent.succeeded`.
    pub kind: String,
    pub received_at: Instant,
    pub handled_at: Option<Instant>,
    /// Why a person has to look at it.
    pub problem: Option<String>,
}
