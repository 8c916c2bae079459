//! Debits that wait for the bank, and the files that tell it of them.

use chrono::NaiveDate;

use super::{FileState, MandateHistory};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::domain::sepa::mandate::MandateUse;
use crate::domain::sepa::message::{Scheme, SequenceType};
use crate::domain::sepa::standing::{FiledMandate, MandateVersion};
use crate::vault::Sealed;

/// An attempt by direct debit that is in no file yet, with all that a file says
/// of it.
#[derive(Debug, Clone)]
pub struct WaitingDebit {
    pub account: AccountId,
    pub attempt: AttemptId,
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
    pub amount: Money,
    /// What its invoice owes.
    pub open_minor: i64,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub method: PaymentMethodId,
    /// How the mandate stands.
    pub state: FileState,
    pub mandate: WaitingMandate,
    pub address: DebtorAddress,
}

/// The mandate that a debit is collected by.
#[derive(Debug, Clone)]
pub struct WaitingMandate {
    pub reference: String,
    pub scheme: Scheme,
    pub usage: MandateUse,
    pub debtor_name: String,
    pub bic: Option<String>,
    pub iban: Sealed,
    pub version: MandateVersion,
    pub signed_on: NaiveDate,
    pub history: MandateHistory,
}

/// An attempt by direct debit whose mandate or billing profile is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostDebit {
    pub account: AccountId,
    pub attempt: AttemptId,
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
}

/// Where the debtor lives, as its billing profile has it.
#[derive(Debug, Clone)]
pub struct DebtorAddress {
    pub line1: String,
    pub post_code: String,
    pub town: String,
    pub country: String,
}

/// A file for the bank to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewBatch<'a> {
    /// The message's id.
    pub id: &'a str,
    pub version: &'a str,
    pub submit_on: NaiveDate,
    pub created_at: Instant,
    pub debits: i64,
    pub sum_minor: i64,
    /// Of the file's bytes.
    pub digest: Digest,
    pub creditor_name: &'a str,
    pub creditor_id: &'a str,
}

/// Where an attempt stands in a file to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewDebit<'a> {
    pub account: AccountId,
    pub attempt: AttemptId,
    pub block_id: &'a str,
    pub sequence: SequenceType,
    pub collect_on: NaiveDate,
    pub mandate: MandateVersion,
}

/// The life of a file for the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    Made,
    /// It went to the bank, or may have.
    Released,
    /// It never went, and never will.
    Canceled,
}

impl BatchState {
    pub const ALL: [Self; 3] = [Self::Made, Self::Released, Self::Canceled];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Released => "released",
            Self::Canceled => "canceled",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A recorded file. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    pub id: String,
    pub version: String,
    pub state: BatchState,
    pub submit_on: NaiveDate,
    pub created_at: Instant,
    pub released_at: Option<Instant>,
    pub debits: i64,
    pub sum_minor: i64,
    pub digest: Digest,
}

/// A block of a recorded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    pub id: String,
    pub sequence: SequenceType,
    pub scheme: Scheme,
    pub collect_on: NaiveDate,
    pub debits: i64,
    pub sum_minor: i64,
}

/// How many attempts of a file stand where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebitsInState {
    /// The code of the attempts' state.
    pub state: String,
    pub debits: i64,
    pub sum_minor: i64,
}

/// A debit of a file, as its attempt, invoice and mandate stand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledDebit {
    /// The platform's id of the account.
    pub external_id: String,
    pub attempt: AttemptId,
    pub number: InvoiceNumber,
    pub state: AttemptState,
    /// How its mandate stands.
    pub method: FileState,
    pub amount: Money,
    /// What its invoice owes.
    pub open_minor: i64,
    pub mandate: FiledMandate,
}
