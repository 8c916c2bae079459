//! From an open invoice to money taken, or to the reason why not.
//!
//! - [`decline`]: why a payment was refused, and what may be done about it
//! - [`attempt`]: one attempt to take money, from its record to its outcome
//! - [`ladder`]: on which days it is tried again
//! - [`on_file`]: how a card or mandate on file stands
//! - [`plan`]: which parts are charged by which methods now
//! - [`round`]: an account's invoices, one after the other
//! - [`refund`]: how much of a payment may be given back, and what that books
//! - [`recovery`]: how an outcome that is out is asked for
//! - [`allocation`]: payments to invoices; *paid* is derived
//! - [`purchase`]: prepaid credit that is bought
//! - [`settlement`]: what an attempt's news does to its state and the ledger
//! - [`dispute`]: payments taken back by whoever paid, until it is decided

pub mod allocation;
pub mod attempt;
pub mod decline;
pub mod dispute;
pub mod ladder;
pub mod on_file;
pub mod plan;
pub mod purchase;
pub mod recovery;
pub mod refund;
pub mod round;
pub mod settlement;

pub use allocation::{Allocation, InvoiceBalance, OpenInvoice, allocate};
pub use attempt::{AttemptEvent, AttemptState, Booking, Contradiction};
pub use decline::{Decline, DeclineClass};
pub use ladder::{Ladder, NextStep, PastAttempt};
pub use on_file::FileState;
pub use plan::{CollectionFacts, CollectionPolicy, Decision, LeftOut, Trigger, decide};
pub use round::decide_round;
pub use settlement::{News, Notice, Settlement, SettlementError, SettlementFacts, settle};

use std::fmt;

use super::ids::PaymentMethodId;

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentMethod {
    /// Prepaid credit.
    Credit,
    /// SEPA direct debit.
    Sepa,
    /// A card, off session.
    Card,
}

impl PaymentMethod {
    pub const ALL: [Self; 3] = [Self::Credit, Self::Sepa, Self::Card];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Sepa => "sepa",
            Self::Card => "card",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.code() == code)
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What exactly a part is paid by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Instrument {
    /// The account's prepaid credit.
    Credit,
    /// A mandate.
    Sepa(PaymentMethodId),
    Card(PaymentMethodId),
}

impl Instrument {
    #[must_use]
    pub const fn method(self) -> PaymentMethod {
        match self {
            Self::Credit => PaymentMethod::Credit,
            Self::Sepa(_) => PaymentMethod::Sepa,
            Self::Card(_) => PaymentMethod::Card,
        }
    }
}
