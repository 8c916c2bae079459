//! A purchase of prepaid credit and its refunds: what their news does to their
//! state and to the ledger. Pure functions of what stands and what was read.

use super::attempt::{AttemptEvent, AttemptState, Booking, Contradiction};
use super::dispute::{DisputeBooking, DisputeDecision};
use crate::domain::ledger::{Disputed, Movement, ProviderName};
use crate::domain::money::{Currency, Money};

/// The least that is sold (`domain.md` section 3: 5 EUR), in major units; the
/// same number in every currency.
const MAJOR_MIN: i64 = 5;

/// How long a purchase waits for its payer, in hours: PayPal keeps an order that
/// nobody approved for 3 hours, and for 72 where an account manager said so.
pub const APPROVAL_HOURS_MAX: i64 = 72;

/// The amount cannot be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{asked} is less than the {least} that can be bought at least")]
pub struct TooSmall {
    pub asked: Money,
    pub least: Money,
}

/// Whether so much credit is sold.
///
/// # Errors
/// When it is less than the least.
pub fn check_amount(asked: Money) -> Result<(), TooSmall> {
    let least = least(asked.currency);
    if asked.minor < least.minor {
        return Err(TooSmall { asked, least });
    }
    Ok(())
}

const fn least(currency: Currency) -> Money {
    let minor = MAJOR_MIN * 10_i64.pow(currency.minor_digits());
    Money::new(minor, currency)
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
    /// The topic that the outbox holds; it never changes.
    #[must_use]
    pub const fn topic(self) -> &'static str {
        match self {
            Self::CreditBought => "credit_bought",
            Self::PurchaseFailed => "credit_purchase_failed",
            Self::ChargebackOpened => "chargeback_opened",
            Self::ChargebackWon => "chargeback_won",
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

/// What bounds a refund of unused credit, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundBounds {
    /// The account's credit, without what is on its way back already.
    pub credit_minor: i64,
    /// What was bought.
    pub amount_minor: i64,
    /// What was paid back of the purchase, or may be on its way.
    pub refunded_minor: i64,
}

/// A purchase cannot be paid back so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    #[error("the purchase is {0}: only one that succeeded can be paid back")]
    NotSucceeded(AttemptState),
    #[error("of the purchase, {left} is left to be paid back")]
    MoreThanBought { left: Money },
    #[error("of the account's credit, {left} is unused")]
    MoreThanUnused { left: Money },
}

/// Whether so much of a purchase can be paid back.
///
/// # Errors
/// When more would be paid back than was bought, or is unused.
pub fn check_refund(
    state: &AttemptState,
    bounds: RefundBounds,
    asked: Money,
) -> Result<(), RefundRefusal> {
    if *state != AttemptState::Succeeded {
        return Err(RefundRefusal::NotSucceeded(state.clone()));
    }
    let left = |minor: i64| Money::new(minor.max(0), asked.currency);
    let bought = left(bounds.amount_minor.saturating_sub(bounds.refunded_minor));
    if asked.minor > bought.minor {
        return Err(RefundRefusal::MoreThanBought { left: bought });
    }
    let unused = left(bounds.credit_minor);
    if asked.minor > unused.minor {
        return Err(RefundRefusal::MoreThanUnused { left: unused });
    }
    Ok(())
}

/// What a refund's news does; `None` where it is none. The movement is booked
/// when the money is gone, not when it is asked for.
///
/// # Errors
/// When the news contradicts what is recorded.
pub fn settle_refund(
    state: &AttemptState,
    amount_minor: i64,
    event: &AttemptEvent,
) -> Result<Option<(AttemptState, Option<Movement>)>, Contradiction> {
    let next = state.clone().apply(event)?;
    if next == *state {
        return Ok(None);
    }
    let is_paid = state.bookings(&next).contains(&Booking::Settled);
    let movement = is_paid.then_some(Movement::CreditPaidBack {
        provider: ProviderName::PayPal,
        amount_minor,
    });
    Ok(Some((next, movement)))
}

#[cfg(test)]
#[path = "purchase_tests.rs"]
mod tests;
