//! What becomes of accounts that do not pay.

use chrono::NaiveDate;

use super::InvoiceKey;
use crate::domain::calendar::Instant;
use crate::domain::dunning::{Step, TakenStep};
use crate::domain::ids::AccountId;

/// A step of dunning that was taken, for the invoice that led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredStep {
    pub invoice: InvoiceKey,
    /// How often the account was restored for the invoice before.
    pub round: i32,
    pub taken: TakenStep,
}

/// A step to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewStep {
    pub invoice: InvoiceKey,
    pub round: i32,
    pub step: Step,
    pub on: NaiveDate,
}

/// Why an account is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspensionCause {
    /// It did not pay this invoice.
    Unpaid(InvoiceKey),
    /// A person decided it.
    Staff,
}

impl SuspensionCause {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unpaid(_) => "unpaid",
            Self::Staff => "staff",
        }
    }
}

/// A suspension of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    pub account: AccountId,
    /// Counted from 1 per account.
    pub no: i64,
    pub cause: SuspensionCause,
    pub suspended_at: Instant,
    pub restored_at: Option<Instant>,
}

impl Suspension {
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.restored_at.is_none()
    }
}

/// What else keeps a step back, or lets it be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountStanding {
    pub held_until: Option<NaiveDate>,
    pub has_health_data: bool,
    /// Whether it is on its way out already.
    pub is_leaving: bool,
    /// Whether a warning waits in the outbox.
    pub warning_unsent: bool,
}
