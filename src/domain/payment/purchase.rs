//! A purchase of prepaid credit: what its news does to its state and to the
//! ledger. Pure functions of what stands and what was read.

use super::attempt::{AttemptEvent, AttemptState, Booking, Contradiction};
use super::dispute::{DisputeBooking, DisputeDecision};
use crate::domain::ledger::{Disputed, Movement, ProviderName};
use crate::domain::money::{Currency, Money};
use crate::domain::notice::Topic;

/// The least that is sold (`domain.md` section 3: 5 EUR), in major units; the
/// same number in every currency.
const MAJOR_MIN: i64 = 5;

/// The most that is sold at once, in major units: as much as an invoice may come to
/// before a person looks at it (`domain.md` section 2). More is a slip of the hand.
const MAJOR_MAX: i64 = 100_000;

/// How long a purchase waits for its payer, in hours: PayPal keeps an order that
/// nobody approved for 3 hours, and for 72 where an account manager said so.
pub const APPROVAL_HOURS_MAX: i64 = 72;

/// The amount cannot be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSold {
    #[error("{asked} is less than the {least} that can be bought at least")]
    TooSmall { asked: Money, least: Money },
    #[error("{asked} is more than the {most} that can be bought at once")]
    TooLarge { asked: Money, most: Money },
}

/// Whether so much credit is sold.
///
/// # Errors
/// When it is less than the least, or more than the most.
pub fn check_amount(asked: Money) -> Result<(), NotSold> {
    let least = of_major(MAJOR_MIN, asked.currency);
    let most = of_major(MAJOR_MAX, asked.currency);
    if asked.minor < least.minor {
        return Err(NotSold::TooSmall { asked, least });
    }
    if asked.minor > most.minor {
        return Err(NotSold::TooLarge { asked, most });
    }
    Ok(())
}

const fn of_major(major: i64, currency: Currency) -> Money {
    Money::new(major * 10_i64.pow(currency.minor_digits()), currency)
}

/// A purchase as it stands. Amounts are in minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseFacts<'a> {
    pub state: &'a AttemptState,
    pub amount_minor: i64,
}

/// What was read of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseNews {
    pub event: AttemptEvent,
    /// What the provider kept of the payment, in minor units.
    pub fee_minor: i64,
}

impl PurchaseNews {
    /// News of no money.
    #[must_use]
    pub const fn plain(event: AttemptEvent) -> Self {
        Self {
            event,
            fee_minor: 0,
        }
    }
}

/// What the customer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseNotice {
    CreditBought,
    PurchaseFailed,
    ChargebackOpened,
    ChargebackWon,
}

impl PurchaseNotice {
    /// The topic that the outbox holds.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::CreditBought => Topic::CreditBought,
            Self::PurchaseFailed => Topic::CreditPurchaseFailed,
            Self::ChargebackOpened => Topic::ChargebackOpened,
            Self::ChargebackWon => Topic::ChargebackWon,
        }
    }
}

/// What is written, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseSettlement {
    pub state: AttemptState,
    /// In the order they are booked.
    pub movements: Vec<Movement>,
    pub notice: Option<PurchaseNotice>,
}

/// The news cannot be booked; nothing is changed, and a person has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseError {
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    #[error("a purchase is taken back by a dispute alone")]
    NoDispute,
}

/// Decides. `None` where the news is none.
///
/// # Errors
/// When the news contradicts what is recorded.
pub fn settle_purchase(
    facts: &PurchaseFacts<'_>,
    news: &PurchaseNews,
) -> Result<Option<PurchaseSettlement>, PurchaseError> {
    let next = facts.state.clone().apply(&news.event)?;
    if next == *facts.state {
        return Ok(None);
    }
    let mut movements = Vec::new();
    for booking in facts.state.bookings(&next) {
        movements.push(movement(*booking, facts, news)?);
    }
    Ok(Some(PurchaseSettlement {
        notice: notice(&next),
        movements,
        state: next,
    }))
}

const fn movement(
    booking: Booking,
    facts: &PurchaseFacts<'_>,
    news: &PurchaseNews,
) -> Result<Movement, PurchaseError> {
    match booking {
        Booking::Settled => Ok(Movement::CreditBought {
            provider: ProviderName::PayPal,
            gross_minor: facts.amount_minor,
            fee_minor: news.fee_minor,
        }),
        Booking::GivenBack => Err(PurchaseError::NoDispute),
    }
}

/// What is decided of a dispute of a purchase, booked.
#[must_use]
pub fn book_dispute(decision: &DisputeDecision) -> PurchaseSettlement {
    let disputed = Disputed::CreditPurchase;
    let movement = |booking: &DisputeBooking| match *booking {
        DisputeBooking::Opened {
            amount_minor,
            fee_minor,
        } => Movement::ChargebackOpened {
            disputed,
            amount_minor,
            fee_minor,
        },
        DisputeBooking::Won {
            amount_minor,
            fee_minor,
        } => Movement::ChargebackWon {
            disputed,
            amount_minor,
            fee_minor,
        },
    };
    PurchaseSettlement {
        state: decision.payment.clone(),
        movements: decision.bookings.iter().map(movement).collect(),
        notice: match (decision.opens(), decision.wins()) {
            (true, _) => Some(PurchaseNotice::ChargebackOpened),
            (_, true) => Some(PurchaseNotice::ChargebackWon),
            _ => None,
        },
    }
}

fn notice(next: &AttemptState) -> Option<PurchaseNotice> {
    match next {
        AttemptState::Succeeded => Some(PurchaseNotice::CreditBought),
        // Nobody waits for word of an order that its payer let lapse.
        AttemptState::Declined { decline } if !decline.was_asked() || decline.is_canceled() => None,
        AttemptState::Declined { .. } => Some(PurchaseNotice::PurchaseFailed),
        AttemptState::Returned { .. }
        | AttemptState::Created
        | AttemptState::Submitted
        | AttemptState::Pending
        | AttemptState::Unknown => None,
    }
}

#[cfg(test)]
#[path = "purchase_tests.rs"]
mod tests;
