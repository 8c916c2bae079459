//! Why a fact of the bank's answer is left to a person, in words that say what
//! the bank told and what the house has.

use crate::domain::money::Money;
use crate::domain::payment::{AttemptState, PaymentMethod, SettlementError};

/// A fact that nobody but a person can tell what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("no debit has the end-to-end id {0:?}")]
    UnknownDebit(String),
    #[error("names no debit, no block and no file of ours")]
    Blind,
    #[error("no debits were sent in {0}")]
    UnknownBlock(String),
    #[error("is about a payment by {0}, which the bank has nothing to do with")]
    NoDebit(PaymentMethod),
    #[error("the bank says {told}, the debit is {asked}")]
    OtherAmount { told: Money, asked: Money },
    #[error("{0}")]
    Contradicts(SettlementError),
    #[error("the debit was credited already: this is money that came in a second time")]
    CreditedTwice,
    #[error("the debit was given back already: this is money that was taken a second time")]
    ReturnedTwice,
    #[error("money was taken back of a debit that is {0}: nothing was collected")]
    NeverCollected(AttemptState),
    #[error("the credit is booked already, and without the {0} that the bank kept of it")]
    FeeOfBooked(Money),
    #[error(
        "the bank credits {told} for {told_count}, the debits sent and not rejected are {expected_count} \
         of {expected} (a difference of {difference})"
    )]
    OtherBatch {
        told: Money,
        /// Such as `5 debits`.
        told_count: String,
        expected: Money,
        expected_count: u64,
        /// What the bank says more.
        difference: Money,
    },
    #[error("the batch was credited already: this is money that came in a second time")]
    BatchCreditedTwice,
    #[error("rejects debits that were collected: {0} of them had settled or come back")]
    RejectsCollected(u64),
    #[error("takes back a batch as one: which debits are meant is not said")]
    ReturnOfBatch,
    #[error("is a fee of the bank, which belongs to no customer")]
    Fee,
    #[error("{0}")]
    Unclear(&'static str),
}
