//! What the house looks at.

use crate::domain::calendar::Instant;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Currency;

/// Which part of a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageBounds {
    pub limit: i64,
    /// How many stand before it.
    pub offset: i64,
}

impl PageBounds {
    /// The first so many.
    #[must_use]
    pub const fn first(limit: i64) -> Self {
        Self { limit, offset: 0 }
    }
}

/// What a month came to for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    Invoiced,
    NothingDue,
    Parked,
}

impl OutcomeKind {
    pub const ALL: [Self; 3] = [Self::Invoiced, Self::NothingDue, Self::Parked];

    /// The code that people know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invoiced => "invoiced",
            Self::NothingDue => "nothing_due",
            Self::Parked => "parked",
        }
    }

    /// The number in the database; it never changes.
    #[must_use]
    pub const fn number(self) -> i16 {
        match self {
            Self::Invoiced => 1,
            Self::NothingDue => 2,
            Self::Parked => 3,
        }
    }

    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// What a month came to for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOutcome {
    /// The platform's id of the account.
    pub external_id: String,
    pub kind: OutcomeKind,
    /// Why it is parked.
    pub reason: Option<String>,
    /// Whether a person accepted its total in spite of the bounds.
    pub is_released: bool,
    /// The monthly invoice, and its total in minor units.
    pub invoice: Option<(InvoiceNumber, Currency, i64)>,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Instant,
    /// The platform's id of the account; none where it is about no single one.
    pub external_id: Option<String>,
    pub actor: String,
    pub action: String,
    pub subject: Option<String>,
    pub reason: String,
}
