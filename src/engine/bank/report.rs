//! What became of a file.

use std::collections::BTreeMap;

use super::BankError;
use super::fact::Fact;
use crate::domain::money::{Currency, Money, MoneyError};
use crate::domain::payment::AttemptState;
use crate::domain::sepa::iban::IbanText;
use crate::domain::sepa::matching::Problem;
use crate::store::rows::{BankFile, FactKey};

/// Unmatched facts that are told one by one; all of them are kept.
const TOLD_MAX: usize = 10_000;

/// What happened to a debit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Acknowledged,
    Settled,
    Rejected,
    Returned,
    Refunded,
}

impl Outcome {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Settled => "settled",
            Self::Rejected => "rejected",
            Self::Returned => "returned",
            Self::Refunded => "refunded",
        }
    }

    pub(super) fn of(state: &AttemptState, kind: &str) -> Self {
        match state {
            AttemptState::Succeeded => Self::Settled,
            AttemptState::Declined { .. } => Self::Rejected,
            AttemptState::Returned { .. } if kind == "refunded" => Self::Refunded,
            AttemptState::Returned { .. } => Self::Returned,
            AttemptState::Created
            | AttemptState::Submitted
            | AttemptState::Pending
            | AttemptState::Unknown => Self::Acknowledged,
        }
    }
}

/// Debits with one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub debits: u64,
    pub amount_minor: i64,
}

/// A fact that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    pub key: FactKey,
    pub place: String,
    pub kind: &'static str,
    pub amount: Option<Money>,
    pub problem: String,
}

/// What an import did.
#[derive(Debug, Clone)]
pub struct ImportReport {
    pub file: BankFile,
    /// Whether it was imported before, on the file's own date; nothing was
    /// changed then.
    pub was_known: bool,
    /// Ours; none in a pain.002.
    pub account: Option<IbanText>,
    pub entries: u64,
    pub outcomes: BTreeMap<(Outcome, Currency), Sum>,
    /// Facts that told nothing new.
    pub known: u64,
    /// Entries of a notification that nothing names: booked from the statement.
    pub left_to_statement: u64,
    /// Credits of batches from earlier files that fit now.
    pub waited: u64,
    pub unmatched: u64,
    /// The first of them, in the order of the file.
    pub unmatched_facts: Vec<Unmatched>,
}

impl ImportReport {
    pub(super) fn new(file: BankFile) -> Self {
        Self {
            file,
            was_known: false,
            account: None,
            entries: 0,
            outcomes: BTreeMap::new(),
            known: 0,
            left_to_statement: 0,
            waited: 0,
            unmatched: 0,
            unmatched_facts: Vec::new(),
        }
    }

    pub(super) fn of_known(file: BankFile) -> Self {
        Self {
            was_known: true,
            ..Self::new(file)
        }
    }

    pub(super) fn count(&mut self, outcome: Outcome, amount: Money) -> Result<(), BankError> {
        let sum = self.outcomes.entry((outcome, amount.currency)).or_default();
        sum.debits = sum.debits.saturating_add(1);
        sum.amount_minor = sum
            .amount_minor
            .checked_add(amount.minor)
            .ok_or(MoneyError::Overflow)?;
        Ok(())
    }

    pub(super) fn tell_unmatched(&mut self, fact: &Fact, problem: &Problem) {
        self.unmatched = self.unmatched.saturating_add(1);
        if self.unmatched_facts.len() < TOLD_MAX {
            let row = fact.row(crate::store::rows::FactState::Unmatched, Some(problem));
            self.unmatched_facts.push(Unmatched {
                key: row.key,
                place: row.place,
                kind: row.kind,
                amount: row.amount,
                problem: row.problem.unwrap_or_default(),
            });
        }
    }

    /// A fact of this very file that fits after all.
    pub(super) fn forget_unmatched(&mut self, key: &FactKey) {
        let before = self.unmatched_facts.len();
        self.unmatched_facts.retain(|fact| fact.key != *key);
        if self.unmatched_facts.len() < before {
            self.unmatched = self.unmatched.saturating_sub(1);
        }
    }

    /// Whether a debit was rejected: a credit that waits may fit now.
    pub(super) fn has_rejected(&self) -> bool {
        self.outcomes
            .keys()
            .any(|(outcome, _)| *outcome == Outcome::Rejected)
    }
}

/// 32 hex digits.
#[must_use]
pub fn key_text(key: &FactKey) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The inverse of [`key_text`].
#[must_use]
pub fn key_from_text(text: &str) -> Option<FactKey> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
