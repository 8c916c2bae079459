//! What settling payments writes, of one as of thousands.

use super::{ByPerson, InvoiceKey, NewEntry};
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId, PurchaseId, RefundId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::Entry;
use crate::domain::money::Currency;
use crate::domain::payment::AttemptState;

/// An attempt whose state the news changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptChange {
    pub account: AccountId,
    pub id: AttemptId,
    /// As it was read under the account's lock.
    pub before: &'static str,
    pub after: AttemptState,
    /// What its provider calls it, where that is news.
    pub reference: Option<String>,
}

/// An entry of the ledger whose key was counted by the caller, who holds the
/// account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedEntry<'a> {
    pub account: AccountId,
    /// Counted from 1 per account.
    pub id: i64,
    pub entry: Entry,
    /// The invoice whose debt moves.
    pub invoice: Option<InvoiceKey>,
    pub attempt: Option<AttemptId>,
    pub purchase: Option<PurchaseId>,
    pub refund: Option<RefundId>,
    pub dispute: Option<i64>,
    pub by: Option<ByPerson<'a>>,
}

impl<'a> KeyedEntry<'a> {
    /// An entry under its key.
    #[must_use]
    pub fn new(id: i64, new: &NewEntry<'a>) -> Self {
        Self {
            account: new.account,
            id,
            entry: new.entry.clone(),
            invoice: new.invoice,
            attempt: new.attempt,
            purchase: new.purchase,
            refund: new.refund,
            dispute: new.dispute,
            by: new.by,
        }
    }
}

/// What of an invoice is paid, or owed again, in minor units: positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenShare {
    pub invoice: InvoiceKey,
    pub amount_minor: i64,
}

/// An invoice with something open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice {
    pub key: InvoiceKey,
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
    pub issued_on: chrono::NaiveDate,
    pub due_on: chrono::NaiveDate,
    pub currency: Currency,
    pub total_minor: i64,
    /// As the list of open invoices has it: see `open_invoice`.
    pub allocated_minor: i64,
}

/// A method that is not charged again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardDecline {
    pub account: AccountId,
    pub method: PaymentMethodId,
    pub code: String,
}
