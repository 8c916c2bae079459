//! Disputes: a cardholder's bank takes a payment back, until it is decided.

use stripe_core::charge::RetrieveCharge;
use stripe_core::dispute::RetrieveDispute;
use stripe_core::{BalanceTransaction, DisputeStatus};
use stripe_types::Expandable;

use super::Stripe;
use super::client::lost;
use crate::domain::money::{Currency, Money};
use crate::providers::CallError;

/// A dispute as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The payment it is about, `pi_...`.
    pub payment: String,
    /// What is disputed: all of the payment or a part.
    pub amount: Money,
    pub standing: DisputeStanding,
    /// What Stripe took for it, in minor units of the amount's currency.
    pub fee_minor: i64,
    /// What it gave back of that.
    pub fee_returned_minor: i64,
}

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStanding {
    /// The bank asks, or was answered before it did more: no money moves
    /// (`warning_...`, `prevented`).
    Inquiry,
    /// The money was taken back, and it is not decided.
    Open,
    /// Decided for the house: the money came again.
    Won,
    /// Decided for the cardholder, or accepted.
    Lost,
}

impl Stripe {
    /// How a dispute stands.
    ///
    /// # Errors
    /// When there is no answer, no such dispute, or it is of no payment of ours.
    pub async fn dispute(&self, id: &str) -> Result<Dispute, CallError> {
        let dispute = RetrieveDispute::new(id).send(&self.client).await?;
        let payment = match &dispute.payment_intent {
            Some(intent) => intent.id().to_string(),
            None => self.payment_of_charge(dispute.charge.id().as_str()).await?,
        };
        let code = dispute.currency.to_string();
        let currency: Currency = code
            .to_ascii_uppercase()
            .parse()
            .map_err(|error| lost(format!("{id}: {error}")))?;
        let standing = match dispute.status {
            DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => DisputeStanding::Open,
            DisputeStatus::Won => DisputeStanding::Won,
            DisputeStatus::Lost => DisputeStanding::Lost,
            DisputeStatus::WarningNeedsResponse
            | DisputeStatus::WarningUnderReview
            | DisputeStatus::WarningClosed
            | DisputeStatus::Prevented => DisputeStanding::Inquiry,
            status => return Err(lost(format!("{id} is {}", status.as_str()))),
        };
        let fees = |wanted: fn(i64) -> i64| sum(id, &code, &dispute.balance_transactions, wanted);
        Ok(Dispute {
            payment,
            amount: Money::new(dispute.amount, currency),
            standing,
            fee_minor: fees(|fee| fee.max(0))?,
            fee_returned_minor: fees(|fee| fee.min(0).saturating_neg())?,
        })
    }

    /// The payment intent that a charge belongs to, `pi_...`.
    ///
    /// # Errors
    /// When there is no answer, no such charge, or it was not made by a payment
    /// intent.
    pub async fn payment_of_charge(&self, id: &str) -> Result<String, CallError> {
        let charge = RetrieveCharge::new(id).send(&self.client).await?;
        let intent = charge.payment_intent.as_ref().map(Expandable::id);
        intent
            .map(ToString::to_string)
            .ok_or_else(|| lost(format!("{id} is of no payment intent")))
    }
}

/// The sum of what is wanted of each fee.
fn sum(
    id: &str,
    currency: &str,
    transactions: &[BalanceTransaction],
    wanted: fn(i64) -> i64,
) -> Result<i64, CallError> {
    let mut sum_minor = 0_i64;
    for transaction in transactions {
        if transaction.currency.to_string() != currency {
            return Err(lost(format!(
                "{} of {id} is in {}, not in {currency}: give that currency its own balance at Stripe",
                transaction.id, transaction.currency
            )));
        }
        sum_minor = sum_minor
            .checked_add(wanted(transaction.fee))
            .ok_or_else(|| lost(format!("the fees of {id} are out of range")))?;
    }
    Ok(sum_minor)
}
