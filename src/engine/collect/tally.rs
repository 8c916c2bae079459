//! What would be charged, or was, and what is left out.

use std::collections::BTreeMap;

use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::{Currency, MoneyError};
use crate::domain::payment::{LeftOut, PaymentMethod};

/// What becomes of one invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceOutcome {
    pub number: InvoiceNumber,
    pub currency: Currency,
    /// What each method is charged, in minor units.
    pub parts: Vec<(PaymentMethod, i64)>,
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
    pub charged: BTreeMap<(PaymentMethod, Currency), Charged>,
    /// Invoices that are not charged at all.
    pub left_out: BTreeMap<LeftOut, u64>,
    /// Invoices that are charged in part, with the reason for the rest.
    pub rest: BTreeMap<LeftOut, u64>,
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
            for &(method, amount_minor) in &outcome.parts {
                let sum = self.charged.entry((method, outcome.currency)).or_default();
                sum.invoices += 1;
                sum.amount_minor = sum
                    .amount_minor
                    .checked_add(amount_minor)
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
