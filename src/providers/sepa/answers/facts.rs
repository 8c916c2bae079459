//! The facts that a bank tells, whichever message they come in.

use std::fmt;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};

use super::error::Place;
use super::key::EventKey;
use crate::domain::money::Money;

/// The three messages of a creditor's bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// pain.002: what became of a pain.008, before money moves.
    StatusReport,
    /// camt.054: single movements, told as they are booked.
    Notification,
    /// camt.053: a day's movements with the balances around them.
    Statement,
}

/// A time as the bank wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankTime {
    /// By the bank's clock.
    pub local: NaiveDateTime,
    /// Minutes ahead of UTC; most banks leave it out.
    pub offset_minutes: Option<i32>,
}

/// Which way money moved on the creditor's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the creditor.
    Credit,
    /// Away from the creditor.
    Debit,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
        })
    }
}

/// How much of a pain.008 a status is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole file.
    Message,
    /// One payment block (`PmtInf`).
    Block,
    /// One debit.
    Transaction,
}

/// Why the bank rejected or returned a debit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// A code of the ISO 20022 external code sets (`ExternalStatusReason1Code`,
    /// `ExternalReturnReason1Code`), such as `AM04`, or the bank's own. Kept as
    /// it is: the sets grow every quarter, so a code that is new is no error.
    pub code: Option<String>,
    /// Further codes and words of the bank.
    pub text: String,
}

/// What leads to the payment attempt. `NOTPROVIDED` is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// `MsgId` of the pain.008.
    pub message_id: Option<String>,
    /// `PmtInfId` of its block.
    pub block_id: Option<String>,
    /// `InstrId` of the debit.
    pub instruction_id: Option<String>,
    /// `EndToEndId` of the debit: ours, unique for each attempt.
    pub end_to_end_id: Option<String>,
    /// `TxId`, given by the bank on the way.
    pub transaction_id: Option<String>,
    pub mandate_id: Option<String>,
    /// The bank's own name of the booking: `AcctSvcrRef`, or `StsId` of a status.
    pub bank_reference: Option<String>,
}

impl References {
    /// Whether nothing in it leads to a debit or a block of debits.
    #[must_use]
    pub const fn is_blind(&self) -> bool {
        self.message_id.is_none()
            && self.block_id.is_none()
            && self.instruction_id.is_none()
            && self.end_to_end_id.is_none()
            && self.transaction_id.is_none()
            && self.mandate_id.is_none()
    }
}

/// One thing that happened. Amounts are positive; the variant says which way
/// they went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BankEvent {
    /// The bank did not carry it out; no money moved.
    Rejected {
        scope: Scope,
        reason: Reason,
        /// Of the debit, where the bank repeats it.
        amount: Option<Money>,
        /// The day it was to be collected, where the bank repeats it.
        collect_on: Option<NaiveDate>,
    },
    /// The bank took it in (`ACCP`), checks it (`PDNG`), or takes part of it
    /// (`PART`). Nothing is settled by that.
    Acknowledged { scope: Scope, status: String },
    /// Money came in. `amount - charges` was booked.
    Settled {
        /// What was collected.
        amount: Money,
        charges: Money,
        /// Debits in a batch that is booked as one.
        count: Option<u64>,
    },
    /// Money was taken back by the debtor's bank. `amount + charges` was booked.
    Returned {
        /// What had been collected.
        amount: Money,
        /// Fees, and interest where the debtor is compensated.
        charges: Money,
        reason: Reason,
    },
    /// As [`Self::Returned`], because the debtor asked for it (reason `MD06`,
    /// within eight weeks: EPC core rulebook, refunds).
    Refunded {
        amount: Money,
        charges: Money,
        reason: Reason,
    },
    /// The bank's own fee.
    Charged { amount: Money },
    /// For a person to look at: nothing above, or not surely.
    Other {
        direction: Option<Direction>,
        amount: Option<Money>,
        /// Why it was not understood.
        why: &'static str,
        /// All that the bank says of it, as `element=value`.
        text: String,
    },
}

/// A fact with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankEntry {
    pub place: Place,
    pub key: EventKey,
    /// IBAN of the creditor's account, or what the bank calls it instead; none
    /// in a pain.002.
    pub account: Option<Arc<str>>,
    /// When the bank booked it.
    pub booked_on: Option<NaiveDate>,
    /// When interest starts or stops.
    pub value_on: Option<NaiveDate>,
    /// Whether the bank marks it as undoing an earlier booking (`RvslInd`).
    pub is_reversal: bool,
    pub references: References,
    pub event: BankEvent,
}

/// What a camt message says of one account as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReport {
    /// `Id` of the statement or notification.
    pub id: String,
    pub account: Arc<str>,
    pub opening: Option<Money>,
    pub closing: Option<Money>,
    /// Whether opening + booked entries = closing was checked: both are there,
    /// and the statement is not spread over several pages.
    pub balances_checked: bool,
    /// Entries, booked or not.
    pub entries: u64,
}
