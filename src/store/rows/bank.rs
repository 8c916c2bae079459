//! What the bank's answers bring in, and the debits they lead to.

use chrono::NaiveDate;

use super::InvoiceKey;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::{Currency, Money};
use crate::domain::payment::{AttemptState, Instrument};

/// The SHA-256 of a file's bytes.
pub type FileDigest = [u8; 32];
/// The key of a fact, whichever file tells it.
pub type FactKey = [u8; 16];

/// A file of the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankFile {
    pub digest: FileDigest,
    /// `pain.002`, `camt.054` or `camt.053`.
    pub kind: String,
    /// Such as `camt.053.001.08`.
    pub version: String,
    pub message_id: String,
    pub imported_at: Instant,
    pub entries: i64,
}

/// What became of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactState {
    /// It changed something.
    Booked,
    /// It told nothing new.
    Known,
    /// A person has to look.
    Unmatched,
    /// A person did.
    Closed,
}

impl FactState {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Known => "known",
            Self::Unmatched => "unmatched",
            Self::Closed => "closed",
        }
    }
}

/// The block or file that a fact is about as a whole: by the id of its message,
/// of its payment block, or both. What has neither would be about every file
/// there is, so there is no such name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlockName {
    message: Option<String>,
    block: Option<String>,
}

impl BlockName {
    /// `None` without any id.
    #[must_use]
    pub fn new(message: Option<String>, block: Option<String>) -> Option<Self> {
        (message.is_some() || block.is_some()).then_some(Self { message, block })
    }

    /// A file as a whole.
    #[must_use]
    pub const fn of_message(id: String) -> Self {
        Self {
            message: Some(id),
            block: None,
        }
    }

    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    #[must_use]
    pub fn block(&self) -> Option<&str> {
        self.block.as_deref()
    }

    /// The id that says most: the block's, or the message's.
    #[must_use]
    pub fn narrowest(&self) -> &str {
        self.block().or(self.message()).unwrap_or_default()
    }
}

/// A fact to be kept.
#[derive(Debug, Clone)]
pub struct NewBankFact {
    pub key: FactKey,
    /// Where in the file.
    pub place: String,
    pub kind: &'static str,
    pub amount: Option<Money>,
    pub reason_code: Option<String>,
    pub booked_on: Option<NaiveDate>,
    /// The debit it is about, where one was found.
    pub attempt: Option<(AccountId, AttemptId)>,
    /// The block or file it is about as a whole.
    pub block: Option<BlockName>,
    /// How many debits the bank said.
    pub debits: Option<i64>,
    pub charges_minor: Option<i64>,
    pub state: FactState,
    /// Why a person has to look, and what the bank said.
    pub problem: Option<String>,
}

/// A fact that a person has to look at.
#[derive(Debug, Clone)]
pub struct UnmatchedFact {
    pub key: FactKey,
    pub place: String,
    pub message_id: String,
    pub version: String,
    pub imported_at: Instant,
    pub kind: String,
    pub amount: Option<Money>,
    pub booked_on: Option<NaiveDate>,
    pub problem: String,
}

/// A credit of a batch that did not fit when it was read.
#[derive(Debug, Clone)]
pub struct WaitingBatch {
    pub key: FactKey,
    pub block: BlockName,
    pub amount: Money,
    pub charges_minor: i64,
    pub debits: Option<i64>,
}

/// A debit with its invoice, as the bank's news meets it.
#[derive(Debug, Clone)]
pub struct BankAttempt {
    pub id: AttemptId,
    pub invoice: InvoiceKey,
    pub number: InvoiceNumber,
    pub by: Instrument,
    pub amount_minor: i64,
    pub currency: Currency,
    pub state: AttemptState,
    pub total_minor: i64,
    /// What the ledger allocates to the invoice.
    pub allocated_minor: i64,
    /// What of it was given up.
    pub written_off_minor: i64,
    /// The key of the account's last ledger entry; 0 where there is none.
    pub last_entry: i64,
}

/// The debits of a block or file, counted. Amounts are of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct BlockCount {
    pub total: i64,
    /// Neither rejected nor withdrawn.
    pub debits: i64,
    pub sum_minor: i64,
    pub in_flight: i64,
    pub collected: i64,
}
