//! Double entry: every movement of money, append-only, summing to zero.
//!
//! - [`Movement`]: what happened, and which accounts it moves
//! - [`Entry`]: a movement with its postings, which cannot be built unbalanced
//! - [`Balances`]: what the entries add up to
//!
//! An invoice's own row *is* its ledger entry: net, VAT and total are the three
//! postings of [`Movement::InvoiceIssued`]. The month run writes no second copy;
//! whoever sums the ledger reads those rows and the entries of all else.

mod movement;

pub use movement::{Disputed, Movement};

use std::collections::BTreeMap;
use std::fmt;

use super::money::Currency;

/// Who holds money for the house until it is paid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderName {
    Stripe,
    PayPal,
    Bank,
}

impl ProviderName {
    /// As people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe",
            Self::PayPal => "PayPal",
            Self::Bank => "the bank",
        }
    }
}

/// An account of the ledger. A positive balance is a debit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerAccount {
    /// What customers owe for issued invoices.
    Receivable,
    Revenue,
    /// The VAT of issued invoices, owed to the state.
    VatPayable,
    /// What a provider holds for the house.
    Clearing(ProviderName),
    /// The prepaid credit that the house owes its customers (a credit balance).
    CustomerCredit,
    /// What payment providers keep of a payment or charge for a dispute.
    ProviderFees,
    /// What the bank charges for a return.
    BankFees,
    /// Credit given away.
    Goodwill,
    /// Debts given up.
    WriteOff,
    /// Bought credit that customers gave up when they left (breakage): income that no
    /// service stands for.
    CreditBreakage,
}

impl LedgerAccount {
    pub const ALL: [Self; 12] = [
        Self::Receivable,
        Self::Revenue,
        Self::VatPayable,
        Self::Clearing(ProviderName::Stripe),
        Self::Clearing(ProviderName::PayPal),
        Self::Clearing(ProviderName::Bank),
        Self::CustomerCredit,
        Self::ProviderFees,
        Self::BankFees,
        Self::Goodwill,
        Self::WriteOff,
        Self::CreditBreakage,
    ];

    /// The code that stores and exports hold; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Revenue => "revenue",
            Self::VatPayable => "vat_payable",
            Self::Clearing(ProviderName::Stripe) => "clearing_stripe",
            Self::Clearing(ProviderName::PayPal) => "clearing_paypal",
            Self::Clearing(ProviderName::Bank) => "clearing_bank",
            Self::CustomerCredit => "customer_credit",
            Self::ProviderFees => "provider_fees",
            Self::BankFees => "bank_fees",
            Self::Goodwill => "goodwill",
            Self::WriteOff => "write_off",
            Self::CreditBreakage => "credit_breakage",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.code() == code)
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One side of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    pub account: LedgerAccount,
    /// Debit positive, credit negative; never zero.
    pub amount_minor: i64,
}

/// A movement cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("the amount is out of range")]
    Overflow,
    #[error("{movement}: an amount of {amount_minor} cannot be booked, it has to be positive")]
    NotPositive {
        movement: &'static str,
        amount_minor: i64,
    },
    #[error("{movement}: a tax or fee of {amount_minor} cannot be booked, it may not be negative")]
    Negative {
        movement: &'static str,
        amount_minor: i64,
    },
    #[error("{movement}: the postings sum to {sum_minor} and not to zero")]
    Unbalanced {
        movement: &'static str,
        sum_minor: i64,
    },
}

/// A movement as the ledger holds it. Its postings sum to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    movement: Movement,
    currency: Currency,
    postings: Vec<Posting>,
}

impl Entry {
    /// Books a movement.
    ///
    /// # Errors
    /// When an amount is out of its range.
    pub fn new(movement: Movement, currency: Currency) -> Result<Self, LedgerError> {
        let postings = movement.postings()?;
        Self::balanced(movement, currency, postings)
    }

    /// The one way to an entry.
    fn balanced(
        movement: Movement,
        currency: Currency,
        postings: Vec<Posting>,
    ) -> Result<Self, LedgerError> {
        let sum_minor = postings
            .iter()
            .try_fold(0_i64, |sum, posting| sum.checked_add(posting.amount_minor))
            .ok_or(LedgerError::Overflow)?;
        if sum_minor != 0 {
            return Err(LedgerError::Unbalanced {
                movement: movement.code(),
                sum_minor,
            });
        }
        Ok(Self {
            movement,
            currency,
            postings,
        })
    }

    #[must_use]
    pub const fn movement(&self) -> &Movement {
        &self.movement
    }

    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

/// What entries add up to, per currency and account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balances(BTreeMap<(Currency, LedgerAccount), i64>);

impl Balances {
    /// Adds an entry. Nothing is added when it fails.
    ///
    /// # Errors
    /// When a balance would leave the range.
    pub fn add(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let mut changed: BTreeMap<LedgerAccount, i64> = BTreeMap::new();
        for posting in &entry.postings {
            let before = changed
                .get(&posting.account)
                .copied()
                .unwrap_or_else(|| self.of(entry.currency, posting.account));
            let after = before.checked_add(posting.amount_minor);
            changed.insert(posting.account, after.ok_or(LedgerError::Overflow)?);
        }
        let keyed = changed
            .into_iter()
            .map(|(account, minor)| ((entry.currency, account), minor));
        self.0.extend(keyed);
        Ok(())
    }

    /// The balance of an account, in minor units, debit positive.
    #[must_use]
    pub fn of(&self, currency: Currency, account: LedgerAccount) -> i64 {
        self.0.get(&(currency, account)).copied().unwrap_or(0)
    }

    /// The sum over all accounts of a currency: zero, or the ledger is broken.
    #[must_use]
    pub fn sum(&self, currency: Currency) -> i128 {
        let own = self.0.iter().filter(|((of, _), _)| *of == currency);
        own.map(|(_, minor)| i128::from(*minor)).sum()
    }
}

#[cfg(test)]
mod tests;
