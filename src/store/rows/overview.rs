//! What a customer sees of its own billing.

use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::invoice::{InvoiceNumber, InvoiceStanding};
use crate::domain::money::Currency;

/// One of an account's invoices, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInvoice {
    pub number: InvoiceNumber,
    pub period: PeriodKey,
    pub standing: InvoiceStanding,
}

/// Something that moved an account's money, as its customer is told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMovement {
    /// Counted from 1 per account.
    pub entry: i64,
    pub at: Instant,
    /// A code of the ledger's.
    pub movement: String,
    pub currency: Currency,
    /// What it moved of the debt; negative where less is owed.
    pub receivable_minor: i64,
    /// What it moved of the prepaid credit; negative where there is more.
    pub credit_minor: i64,
    /// The ledger account of the provider it went through.
    pub provider: Option<String>,
    pub invoice: Option<InvoiceNumber>,
}
