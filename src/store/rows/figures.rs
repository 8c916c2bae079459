//! How the house stands, in figures.

use crate::domain::calendar::Instant;

/// What a snapshot counts. What has no row is not listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Runs by state.
    pub runs: Vec<(String, i64)>,
    /// Payment attempts in flight, by method and state.
    pub attempts_in_flight: Vec<(String, String, i64)>,
    /// Payment attempts that came to their present outcome lately, by method and state.
    pub attempts_decided: Vec<(String, String, i64)>,
    /// What waits in the outbox.
    pub waiting: Vec<WaitingMessages>,
    /// What of the outbox was given up, by channel.
    pub refused: Vec<(String, i64)>,
    /// Invoices that are not paid.
    pub unpaid: Vec<Unpaid>,
    /// What does not go on by itself, by what it is.
    pub stuck: Vec<(&'static str, i64)>,
}

/// Messages that wait in a channel of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMessages {
    pub channel: String,
    pub messages: i64,
    /// Those of them whose last try failed.
    pub failing: i64,
    /// When the oldest of them was written.
    pub oldest_at: Instant,
}

/// What is not paid in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpaid {
    pub currency: String,
    pub accounts: i64,
    pub open_minor: i64,
}
