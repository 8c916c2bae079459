//! Events that payment providers sent.

use crate::domain::calendar::Instant;

/// Who sent an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    Stripe,
    PayPal,
}

impl EventSource {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::PayPal => "paypal",
        }
    }
}

/// An event by its source and the source's id of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKey<'a> {
    pub source: EventSource,
    pub id: &'a str,
}

/// An event that is not handled yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEvent {
    pub id: String,
    pub kind: String,
    pub received_at: Instant,
    /// Why not.
    pub problem: Option<String>,
}
