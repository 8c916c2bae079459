//! Events that payment providers sent.

use crate::domain::calendar::Instant;

/// Who sent an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    Stripe,
    PayPal,
}

impl EventSource {
    pub const ALL: [Self; 2] = [Self::Stripe, Self::PayPal];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::PayPal => "paypal",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
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
    pub source: EventSource,
    pub id: String,
    pub kind: String,
    pub received_at: Instant,
    /// Why not.
    pub problem: Option<String>,
}
