//! What would be charged, or was, and what is left out.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::{Currency, MoneyError};
use crate::domain::payment::{AttemptState, DeclineClass, LeftOut, PaymentMethod};

/// What became of a part that was to be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It would be charged; nothing was done.
    Planned,
    Paid,
    /// The debit waits for the next file to the bank.
    WaitsForFile,
    /// The provider works on it.
    Pending,
    Declined(DeclineClass),
    /// No readable answer came: `reconcile` finishes it.
    Unknown,
    /// The provider was not reached; nothing was charged.
    NotSent,
}

impl Fate {
    /// What an attempt's state means to whoever collects.
    #[must_use]
    pub fn of(state: &AttemptState, method: PaymentMethod) -> Self {
        match state {
            AttemptState::Created if method == PaymentMethod::Sepa => Self::WaitsForFile,
            AttemptState::Succeeded => Self::Paid,
            AttemptState::Declined { decline } if !decline.was_asked() => Self::NotSent,
            AttemptState::Declined { decline } => Self::Declined(decline.class),
            AttemptState::Returned { reason } => Self::Declined(reason.class),
            AttemptState::Pending => Self::Pending,
            AttemptState::Created | AttemptState::Submitted | AttemptState::Unknown => {
                Self::Unknown
            }
        }
    }

    /// The code that exports hold; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Paid => "paid",
            Self::WaitsForFile => "waits_for_file",
            Self::Pending => "pending",
            Self::Declined(DeclineClass::Hard) => "declined_hard",
            Self::Declined(DeclineClass::Soft) => "declined_soft",
            Self::Declined(DeclineClass::ActionRequired) => "action_required",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Paid => "paid",
            Self::WaitsForFile => "waits for the next file (sepa batch)",
            Self::Pending => "the provider works on it",
            Self::Declined(DeclineClass::Hard) => "declined for good",
            Self::Declined(DeclineClass::Soft) => "declined, to be tried again",
            Self::Declined(DeclineClass::ActionRequired) => "declined, the customer has to act",
            Self::Unknown => "no answer (reconcile finishes it)",
            Self::NotSent => "not sent, the provider was not reached",
        })
    }
}

/// What one method is charged for one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargedPart {
    pub method: PaymentMethod,
    pub amount_minor: i64,
    pub fate: Fate,
}

/// What becomes of one invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceOutcome {
    pub number: InvoiceNumber,
    pub currency: Currency,
    /// In the order they are charged; a second one follows where the first was
    /// declined and the policy falls back.
    pub parts: Vec<ChargedPart>,
    /// Why it, or a rest of it, is not charged.
    pub left_out: Option<LeftOut>,
}

/// What one method is charged in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charged {
    pub invoices: u64,
    pub amount_minor: i64,
}

/// The sums of many invoices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Accounts with an invoice that is charged.
    pub accounts: u64,
    /// Invoices that are charged, whole or in part.
    pub invoices: u64,
    pub charged: BTreeMap<(PaymentMethod, Fate, Currency), Charged>,
    /// Invoices that are not charged at all.
    pub left_out: BTreeMap<LeftOut, u64>,
    /// Invoices that are charged in part, with the reason for the rest.
    pub rest: BTreeMap<LeftOut, u64>,
    /// Accounts that could not be charged, or not to the end, each with what it
    /// met. A person has to look.
    pub problems: Vec<(AccountId, String)>,
}

impl Tally {
    /// Adds the invoices of one account.
    ///
    /// # Errors
    /// When a sum leaves the range.
    pub fn add(&mut self, outcomes: &[InvoiceOutcome]) -> Result<(), MoneyError> {
        for outcome in outcomes {
            let is_charged = !outcome.parts.is_empty();
            self.invoices += u64::from(is_charged);
            for part in &outcome.parts {
                let key = (part.method, part.fate, outcome.currency);
                let sum = self.charged.entry(key).or_default();
                sum.invoices += 1;
                sum.amount_minor = sum
                    .amount_minor
                    .checked_add(part.amount_minor)
                    .ok_or(MoneyError::Overflow)?;
            }
            if let Some(reason) = outcome.left_out {
                let reasons = if is_charged {
                    &mut self.rest
                } else {
                    &mut self.left_out
                };
                *reasons.entry(reason).or_default() += 1;
            }
        }
        let charged = outcomes.iter().any(|outcome| !outcome.parts.is_empty());
        self.accounts += u64::from(charged);
        Ok(())
    }
}
