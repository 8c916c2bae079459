//! A purchase of prepaid credit and its refunds: what their news does to their
//! state and to the ledger. Pure functions of what stands and what was read.

use super::attempt::{AttemptEvent, AttemptState, Booking, Contradiction};
use crate::domain::ledger::{Disputed, Movement, ProviderName};
use crate::domain::money::{Currency, Money};
use crate::domain::notice::Topic;

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
    /// What was paid back of it.
    pub refunded_minor: i64,
    /// What a dispute or reversal took back of it and was not won back.
    pub taken_back_minor: i64,
}

/// What was read of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseNews {
    pub event: AttemptEvent,
    /// What the provider kept of the payment, in minor units.
    pub fee_minor: i64,
    /// How much a dispute or reversal took back, in minor units.
    pub taken_back_minor: i64,
}

impl PurchaseNews {
    /// News of no money.
    #[must_use]
    pub const fn plain(event: AttemptEvent) -> Self {
        Self {
            event,
            fee_minor: 0,
            taken_back_minor: 0,
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
    #[error("{news_minor} is taken back of a purchase of which {left_minor} is left")]
    MoreThanLeft { news_minor: i64, left_minor: i64 },
    #[error("{news_minor} is taken back, where {booked_minor} was before: is it another dispute?")]
    OtherAmount { news_minor: i64, booked_minor: i64 },
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
        let is_taken_back = matches!(next, AttemptState::Returned { .. })
            && matches!(news.event, AttemptEvent::Returned { .. });
        if is_taken_back && news.taken_back_minor != facts.taken_back_minor {
            return Err(PurchaseError::OtherAmount {
                news_minor: news.taken_back_minor,
                booked_minor: facts.taken_back_minor,
            });
        }
        return Ok(None);
    }
    let mut movements = Vec::new();
    for booking in facts.state.bookings(&next) {
        movements.push(movement(*booking, facts, news)?);
    }
    Ok(Some(PurchaseSettlement {
        notice: notice(facts.state, &next),
        movements,
        state: next,
    }))
}

fn movement(
    booking: Booking,
    facts: &PurchaseFacts<'_>,
    news: &PurchaseNews,
) -> Result<Movement, PurchaseError> {
    let disputed = Disputed::CreditPurchase;
    Ok(match booking {
        Booking::Settled => Movement::CreditBought {
            provider: ProviderName::PayPal,
            gross_minor: facts.amount_minor,
            fee_minor: news.fee_minor,
        },
        Booking::GivenBack => {
            let left_minor = facts
                .amount_minor
                .saturating_sub(facts.refunded_minor)
                .saturating_sub(facts.taken_back_minor);
            if news.taken_back_minor > left_minor {
                return Err(PurchaseError::MoreThanLeft {
                    news_minor: news.taken_back_minor,
                    left_minor,
                });
            }
            Movement::ChargebackOpened {
                disputed,
                amount_minor: news.taken_back_minor,
                fee_minor: 0,
            }
        }
        // All that was taken: PayPal decides on a dispute as a whole.
        Booking::WonBack => Movement::ChargebackWon {
            disputed,
            amount_minor: facts.taken_back_minor,
            fee_minor: 0,
        },
    })
}

fn notice(before: &AttemptState, next: &AttemptState) -> Option<PurchaseNotice> {
    match next {
        AttemptState::Succeeded if matches!(before, AttemptState::Returned { .. }) => {
            Some(PurchaseNotice::ChargebackWon)
        }
        AttemptState::Succeeded => Some(PurchaseNotice::CreditBought),
        // Nobody waits for word of an order that its payer let lapse.
        AttemptState::Declined { decline } if !decline.was_asked() || decline.is_canceled() => None,
        AttemptState::Declined { .. } => Some(PurchaseNotice::PurchaseFailed),
        AttemptState::Returned { .. } => Some(PurchaseNotice::ChargebackOpened),
        AttemptState::Created
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
