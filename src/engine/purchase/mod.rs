//! Prepaid credit, bought with PayPal. What is unused of it is paid back by
//! [`crate::engine::refund`].
//!
//! - [`buy`]: a purchase is recorded, and its order created
//! - [`advance`]: a purchase is taken as far as it goes: captured, credited, closed
//! - [`record`]: what was read, booked in one transaction
//! - [`reconcile`]: everything whose outcome is out
//!
//! Whoever asks, the customer who comes back, an event or the schedule: the order
//! is read, captured if it can be, and what is read is booked under the account's
//! lock. So it does not matter how often or in which order they ask.

mod advance;
mod buy;
mod reconcile;
mod record;

use crate::domain::calendar::Instant;
use crate::domain::ids::PurchaseId;
use crate::domain::ledger::LedgerError;
use crate::domain::money::Currency;
use crate::domain::payment::purchase::{NotSold, PurchaseError as Unbookable};
use crate::domain::payment::recovery::{Question, question};
use crate::engine::collect::{CollectError, InvoiceOutcome};
use crate::engine::providers::ProviderError;
use crate::engine::refund::RefundError;
use crate::providers::paypal::PayPal;
use crate::providers::{CallError, PaymentProvider};
use crate::store::StoreError;
use crate::store::rows::StoredPurchase;

pub use reconcile::{Reconciled, Unfinished};
pub(super) use record::locked;

/// Why a purchase did not come to its end. What was committed stands;
/// reconciling goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum PurchaseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// It was begun, and its outcome is out.
    #[error("{source}; {what} is recorded, and reconciling goes on with it")]
    Open { what: String, source: CallError },
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    NotSold(#[from] NotSold),
    #[error("the account is billed in {account}, not in {asked}")]
    OtherCurrency { account: Currency, asked: Currency },
    #[error("the account is being deleted: no credit is sold to it any more")]
    Leaving,
    #[error("there is no purchase {0}")]
    NoPurchase(String),
    #[error(transparent)]
    Refund(#[from] RefundError),
    #[error("purchase {purchase}: {source}")]
    Unbookable {
        purchase: PurchaseId,
        source: Unbookable,
    },
    #[error("purchase {purchase} was declined, and PayPal took its money in {reference}")]
    TakenAfterAll {
        purchase: PurchaseId,
        reference: String,
    },
    #[error("{what} {id} of PayPal's: {problem}")]
    Event {
        what: &'static str,
        id: String,
        problem: String,
    },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
}

impl PurchaseError {
    /// Whether the same may go well later without a person.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Call(call) => call.is_passing(),
            Self::Open { .. } | Self::Store(_) | Self::Chance(_) => true,
            Self::Collect(error) => matches!(error, CollectError::Store(_)),
            Self::Refund(error) => error.is_passing(),
            _ => false,
        }
    }
}

/// Where a purchase stands after it was taken as far as it goes.
#[derive(Debug, Clone)]
pub struct Progress {
    pub purchase: StoredPurchase,
    /// Where its customer approves it, while it waits for that.
    pub approve_url: Option<String>,
    /// What the credit paid at once, the oldest invoice first.
    pub invoices: Vec<InvoiceOutcome>,
}

/// Whether an idempotency key may be too old to be sent again: an hour before
/// PayPal forgets it, for the clocks and the tries of a request.
fn key_is_old(created_at: Instant, now: Instant) -> bool {
    question(created_at, false, PayPal::KEY_HOURS, now) == Question::LookUp
}

/// Whole hours between two instants.
const fn age_hours(from: Instant, to: Instant) -> i64 {
    const MICROSECONDS: i64 = 3_600_000_000;
    to.0.saturating_sub(from.0) / MICROSECONDS
}
