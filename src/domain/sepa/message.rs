//! A direct debit initiation: what one file tells the bank. Texts are as they
//! will be written; [`check`](super::check) says whether a bank takes them.

use std::fmt;

use chrono::NaiveDate;

use super::address::Address;
use super::iban::IbanText;
use super::mandate::Amendment;
use crate::domain::calendar::Instant;
use crate::domain::money::Money;

/// The scheme a mandate was signed for (ISO 20022 local instrument).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Core,
    /// Between companies: without the debtor's right to a refund.
    B2b,
}

impl Scheme {
    pub const ALL: [Self; 2] = [Self::Core, Self::B2b];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Core => "CORE",
            Self::B2b => "B2B",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.code() == code)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Where a collection stands among those of its mandate (ISO 20022
/// `SequenceType3Code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SequenceType {
    First,
    Recurrent,
    Final,
    OneOff,
}

impl SequenceType {
    pub const ALL: [Self; 4] = [Self::First, Self::Recurrent, Self::Final, Self::OneOff];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::First => "FRST",
            Self::Recurrent => "RCUR",
            Self::Final => "FNAL",
            Self::OneOff => "OOFF",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|sequence| sequence.code() == code)
    }
}

impl fmt::Display for SequenceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Unique among all files that the bank gets.
    pub id: String,
    pub created_at: Instant,
    pub creditor: Creditor,
    pub blocks: Vec<Block>,
    /// How many debits its blocks tell.
    pub count: usize,
    /// The sum of what its blocks tell.
    pub control_sum_minor: i64,
}

/// Who collects, the same in every block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creditor {
    pub name: String,
    pub address: Option<Address>,
    /// See [`CreditorId`](super::creditor::CreditorId).
    pub identifier: String,
    pub iban: IbanText,
    /// See [`Bic`](super::bic::Bic).
    pub bic: Option<String>,
}

/// A payment block: debits of one scheme and sequence type on one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What the bank's answers refer to.
    pub id: String,
    pub scheme: Scheme,
    pub sequence: SequenceType,
    pub collect_on: NaiveDate,
    pub debits: Vec<Debit>,
    pub count: usize,
    pub control_sum_minor: i64,
}

/// One collection from one debtor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debit {
    /// Goes with the money to the debtor and comes back with every answer.
    pub end_to_end_id: String,
    pub amount: Money,
    pub mandate_reference: String,
    pub mandate_signed_on: NaiveDate,
    pub amendment: Option<Amendment>,
    pub debtor: Debtor,
    /// What the debtor reads on the statement; may be empty.
    pub remittance: String,
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debtor {
    pub name: String,
    pub address: Option<Address>,
    pub iban: IbanText,
    /// See [`Bic`](super::bic::Bic); within SEPA the IBAN is enough.
    pub bic: Option<String>,
}
