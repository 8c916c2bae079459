//! Disputes: a cardholder's bank takes a payment back, until it is decided.
//!
//! Who has the money is told by a dispute's balance transactions, of which there
//! are none, one (withdrawn) or two (withdrawn and reinstated); its status alone
//! says it too early or too late (docs.stripe.com/api/disputes/object, "List of
//! zero, one, or two balance transactions that show funds withdrawn and reinstated").
//! They are only ever added to.

use stripe_core::charge::RetrieveCharge;
use stripe_core::dispute::RetrieveDispute;
use stripe_core::{BalanceTransaction, DisputeStatus};
use stripe_types::Expandable;

use super::Stripe;
use super::client::unbookable;
use crate::domain::money::Currency;
use crate::domain::payment::dispute::{DisputeNews, DisputeStanding};
use crate::providers::{CallError, Dispute};

/// What the balance transactions of a dispute add up to, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Moved {
    withdrawn_minor: i64,
    reinstated_minor: i64,
    fee_minor: i64,
    fee_returned_minor: i64,
}

impl Stripe {
    /// How a dispute stands.
    ///
    /// # Errors
    /// When there is no answer, no such dispute, it is of no payment of ours, or
    /// does not say who has the money.
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
            .map_err(|error| unbookable(id, format!("{error}")))?;
        let moved = moved(id, &code, &dispute.balance_transactions)?;
        let news = news_of(&dispute.status, dispute.amount, moved)
            .map_err(|reason| unbookable(id, reason))?;
        Ok(Dispute {
            id: id.to_owned(),
            payment,
            currency,
            news,
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
            .ok_or_else(|| unbookable(id, "it is of no payment intent"))
    }
}

/// Who has the money, or why that cannot be told.
fn news_of(status: &DisputeStatus, amount_minor: i64, moved: Moved) -> Result<DisputeNews, String> {
    use DisputeStanding::{Announced, Dropped, Lost, Open, Won};
    // Of a payment that was refunded in part, that part is reinstated at once
    // (docs.stripe.com/disputes, "Disputes on partially refunded payments").
    let taken_minor = moved.withdrawn_minor.saturating_sub(moved.reinstated_minor);
    let has_moved = moved.withdrawn_minor != 0 || moved.reinstated_minor != 0;
    let standing = match status {
        DisputeStatus::NeedsResponse | DisputeStatus::UnderReview if !has_moved => Announced,
        DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => Open,
        // An inquiry; or one that was answered, or settled by a refund of ours.
        DisputeStatus::WarningNeedsResponse | DisputeStatus::WarningUnderReview if !has_moved => {
            Announced
        }
        DisputeStatus::WarningClosed | DisputeStatus::Prevented | DisputeStatus::Won
            if !has_moved =>
        {
            Dropped
        }
        // Decided, and the money comes by another event.
        DisputeStatus::Won if taken_minor > 0 => Open,
        DisputeStatus::Won => Won,
        DisputeStatus::Lost if !has_moved => Announced,
        DisputeStatus::Lost => Lost,
        status => return Err(format!("it is {}: who has the money?", status.as_str())),
    };
    let amount_minor = match standing {
        Announced | Dropped => amount_minor,
        Open | Lost => taken_minor,
        Won => moved.withdrawn_minor,
    };
    if amount_minor <= 0 || taken_minor < 0 {
        return Err(format!(
            "{} was withdrawn and {} reinstated, and it is {}",
            moved.withdrawn_minor,
            moved.reinstated_minor,
            status.as_str()
        ));
    }
    Ok(DisputeNews {
        standing,
        amount_minor,
        fee_minor: moved.fee_minor,
        fee_returned_minor: moved.fee_returned_minor,
    })
}

/// What the balance transactions add up to.
fn moved(
    id: &str,
    currency: &str,
    transactions: &[BalanceTransaction],
) -> Result<Moved, CallError> {
    let mut moved = Moved::default();
    for transaction in transactions {
        if transaction.currency.to_string() != currency {
            let reason = format!(
                "{} is in {}, not in {currency}: give that currency its own balance at Stripe",
                transaction.id, transaction.currency
            );
            return Err(unbookable(id, reason));
        }
        let (amount, fee) = (transaction.amount, transaction.fee);
        let sums = [
            (&mut moved.withdrawn_minor, amount.min(0).checked_neg()),
            (&mut moved.reinstated_minor, Some(amount.max(0))),
            (&mut moved.fee_minor, Some(fee.max(0))),
            (&mut moved.fee_returned_minor, fee.min(0).checked_neg()),
        ];
        for (sum, part) in sums {
            *sum = part
                .and_then(|part| sum.checked_add(part))
                .ok_or_else(|| unbookable(id, "its sums are out of range"))?;
        }
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_money_is_told_by_what_moved() {
        use DisputeStanding::{Announced, Dropped, Lost, Open, Won};
        use DisputeStatus as Status;
        // (status, withdrawn, reinstated, standing and amount)
        let table = [
            (Status::NeedsResponse, 0, 0, Some((Announced, 100))),
            (Status::UnderReview, 0, 0, Some((Announced, 100))),
            (Status::NeedsResponse, 100, 0, Some((Open, 100))),
            (Status::UnderReview, 100, 0, Some((Open, 100))),
            // 40 of it were refunded before.
            (Status::NeedsResponse, 100, 40, Some((Open, 60))),
            (Status::WarningNeedsResponse, 0, 0, Some((Announced, 100))),
            (Status::WarningUnderReview, 0, 0, Some((Announced, 100))),
            (Status::WarningClosed, 0, 0, Some((Dropped, 100))),
            (Status::Prevented, 0, 0, Some((Dropped, 100))),
            (Status::Won, 0, 0, Some((Dropped, 100))),
            (Status::Won, 100, 0, Some((Open, 100))),
            (Status::Won, 100, 100, Some((Won, 100))),
            (Status::Lost, 0, 0, Some((Announced, 100))),
            (Status::Lost, 100, 0, Some((Lost, 100))),
            (Status::WarningClosed, 100, 0, None),
            (Status::WarningNeedsResponse, 100, 0, None),
            (Status::Prevented, 100, 0, None),
            (Status::Lost, 100, 100, None),
            (Status::Won, 100, 101, None),
            (Status::Unknown("new".to_owned()), 0, 0, None),
        ];
        for (status, withdrawn_minor, reinstated_minor, expected) in table {
            let moved = Moved {
                withdrawn_minor,
                reinstated_minor,
                fee_minor: 15,
                fee_returned_minor: 5,
            };
            let got = news_of(&status, 100, moved).ok();
            let got = got.map(|news| (news.standing, news.amount_minor));
            assert_eq!(
                got, expected,
                "{status:?} {withdrawn_minor} {reinstated_minor}"
            );
        }
    }
}
