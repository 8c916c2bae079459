//! Money given back: how much may be, out of what, and what a refund's news does
//! to its state and to the ledger. One set of rules for every provider.
//!
//! A payment is in two places: what of it paid an invoice, and what of it its
//! payer holds as credit (bought, or received beyond the debt). The second is
//! given back first, out of that credit, so that nobody has both the money and
//! the credit. Only the first can be given back for goodwill or owed again.

use super::allocation::InvoiceBalance;
use super::attempt::{AttemptEvent, AttemptState, Contradiction};
use super::settlement::Bookings;
use crate::domain::ledger::{Movement, ProviderName};
use crate::domain::money::Money;
use crate::domain::notice::Topic;

/// What money is given back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundPurpose {
    /// The invoice stays paid, at the house's cost.
    Goodwill,
    /// The invoice is owed again.
    Reopen,
    /// Bought credit is paid back.
    UnusedCredit,
}

impl RefundPurpose {
    pub const ALL: [Self; 3] = [Self::Goodwill, Self::Reopen, Self::UnusedCredit];

    /// The code that the store holds; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Goodwill => "goodwill",
            Self::Reopen => "reopen",
            Self::UnusedCredit => "unused_credit",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }
}

/// What bounds a refund. Amounts in minor units are of the payment's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundBounds {
    pub paid: Money,
    /// What was given back of the payment, or may be on its way.
    pub given_back_minor: i64,
    /// What of an invoice's payment became credit and was not given back out of
    /// it. Of a purchase all that is left is credit, whatever stands here.
    pub held_minor: i64,
    /// The account's credit, without what is on its way back already.
    pub credit_minor: i64,
    /// What is allocated to the invoice; nothing where a purchase is given back.
    pub allocated_minor: i64,
}

/// What a refund gives back, and out of what, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    pub amount_minor: i64,
    /// What of it is given back out of the customer's credit.
    pub credit_minor: i64,
}

/// A payment cannot be given back so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    #[error("the payment is {0}: only one that succeeded can be paid back")]
    NotSucceeded(AttemptState),
    #[error("{0} cannot be given back, it has to be positive")]
    NotPositive(Money),
    #[error("nothing of the payment is left to be paid back")]
    NothingLeft,
    #[error("{asked} cannot be given back: of the payment, {left} is left to be paid back")]
    MoreThanLeft { asked: Money, left: Money },
    #[error(
        "{asked} cannot be given back, but {possible}: {held} of the payment is credit, and of the \
         account's credit, {unused} is unused"
    )]
    CreditSpent {
        asked: Money,
        possible: Money,
        held: Money,
        unused: Money,
    },
    #[error("{reopened} would be owed again, but only {allocated} is allocated to the invoice")]
    OverAllocated { reopened: Money, allocated: Money },
}

/// How much of a payment is given back, and out of what: out of its credit as far
/// as that is there, and beyond it out of what paid the invoice. `None` asks for
/// all that is left.
///
/// # Errors
/// When so much is not left of it, or its credit was spent.
pub fn check_refund(
    state: &AttemptState,
    purpose: RefundPurpose,
    bounds: RefundBounds,
    asked_minor: Option<i64>,
) -> Result<Split, RefundRefusal> {
    if *state != AttemptState::Succeeded {
        return Err(RefundRefusal::NotSucceeded(state.clone()));
    }
    let money = |minor: i64| Money::new(minor, bounds.paid.currency);
    let left_minor = bounds.paid.minor.saturating_sub(bounds.given_back_minor);
    let amount_minor = match asked_minor {
        Some(asked) if asked <= 0 => return Err(RefundRefusal::NotPositive(money(asked))),
        Some(asked) => asked,
        None if left_minor <= 0 => return Err(RefundRefusal::NothingLeft),
        None => left_minor,
    };
    if amount_minor > left_minor {
        return Err(RefundRefusal::MoreThanLeft {
            asked: money(amount_minor),
            left: money(left_minor.max(0)),
        });
    }
    let held_minor = match purpose {
        RefundPurpose::UnusedCredit => left_minor,
        RefundPurpose::Goodwill | RefundPurpose::Reopen => bounds.held_minor.clamp(0, left_minor),
    };
    let unused_minor = bounds.credit_minor.max(0);
    let from_credit_minor = held_minor.min(unused_minor);
    let possible_minor = left_minor
        .saturating_sub(held_minor)
        .saturating_add(from_credit_minor);
    if amount_minor > possible_minor {
        return Err(RefundRefusal::CreditSpent {
            asked: money(amount_minor),
            possible: money(possible_minor),
            held: money(held_minor),
            unused: money(unused_minor),
        });
    }
    let credit_minor = amount_minor.min(from_credit_minor);
    let reopened_minor = amount_minor.saturating_sub(credit_minor);
    if purpose == RefundPurpose::Reopen && reopened_minor > bounds.allocated_minor {
        return Err(RefundRefusal::OverAllocated {
            reopened: money(reopened_minor),
            allocated: money(bounds.allocated_minor),
        });
    }
    Ok(Split {
        amount_minor,
        credit_minor,
    })
}

/// A refund as it stands. Amounts are in minor units of the payment's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundFacts<'a> {
    pub state: &'a AttemptState,
    pub purpose: RefundPurpose,
    /// Who gives it back.
    pub provider: ProviderName,
    pub split: Split,
    /// The invoice that the payment is of; none of a purchase.
    pub debt: Option<RefundedDebt>,
    /// What the refund has booked so far.
    pub booked: BookedRefund,
}

/// The invoice of a payment that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundedDebt {
    pub balance: InvoiceBalance,
    pub written_off_minor: i64,
}

/// What a refund that went through has moved, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BookedRefund {
    /// Of the invoice: [`Movement::RefundedToCard`].
    pub reopened_minor: i64,
    /// At the house's cost: [`Movement::CreditGranted`].
    pub granted_minor: i64,
    /// Out of the credit: [`Movement::CreditPaidBack`].
    pub paid_back_minor: i64,
}

/// What the customer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundNotice {
    Refunded,
    /// What was told to be given back did not arrive.
    RefundFailed,
}

impl RefundNotice {
    /// The topic that the outbox holds.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::Refunded => Topic::Refunded,
            Self::RefundFailed => Topic::RefundFailed,
        }
    }
}

/// What is written, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundSettlement {
    pub state: AttemptState,
    /// In the order they are booked.
    pub movements: Vec<Movement>,
    pub notice: Option<RefundNotice>,
    /// Whether an outcome that was recorded becomes another: only what was read
    /// after it was recorded may do that.
    pub overturns: bool,
}

/// Decides what a refund's news does. `None` where it is none: it was told
/// before, or comes too late to matter.
///
/// # Errors
/// When the news contradicts what is recorded.
pub fn settle_refund(
    facts: &RefundFacts<'_>,
    event: &AttemptEvent,
) -> Result<Option<RefundSettlement>, Contradiction> {
    let state = after(facts.state, event)?;
    if state == *facts.state {
        return Ok(None);
    }
    let (movements, notice) = match state {
        AttemptState::Succeeded => (given_back(facts), Some(RefundNotice::Refunded)),
        AttemptState::Returned { .. } => (undone(facts), Some(RefundNotice::RefundFailed)),
        _ => (Vec::new(), None),
    };
    Ok(Some(RefundSettlement {
        state,
        movements,
        notice,
        overturns: !facts.state.in_flight(),
    }))
}

/// The state of a refund after an event. Beyond what holds for every attempt,
/// both of its outcomes can turn out otherwise, for the provider has the last
/// word on where the money is: a refund that was looked for in vain turns up, and
/// one that succeeded fails, where the card's bank cannot take it, and is on the
/// house's balance again (`failure_balance_transaction` and `failure_reason` of
/// docs.stripe.com/api/refunds/object).
fn after(state: &AttemptState, event: &AttemptEvent) -> Result<AttemptState, Contradiction> {
    use AttemptEvent as Event;
    use AttemptState as State;
    Ok(match (state, event) {
        (State::Declined { .. }, Event::Succeeded) => State::Succeeded,
        (State::Declined { .. }, Event::Accepted) => State::Pending,
        // No money moved, for this reason or that.
        (
            State::Declined { .. } | State::Returned { .. },
            Event::Declined { .. } | Event::NotFound | Event::Withdrawn,
        ) => state.clone(),
        (State::Succeeded, Event::Declined { decline }) => State::Returned {
            reason: decline.clone(),
        },
        // What failed after it succeeded stays so, and the others are news of
        // payments.
        (State::Returned { .. }, Event::Succeeded | Event::Accepted)
        | (_, Event::Returned { .. }) => {
            return Err(Contradiction {
                state: state.clone(),
                event: event.clone(),
            });
        }
        _ => state.clone().apply(event)?,
    })
}

/// What a refund that went through books. What is credit is paid back out of it;
/// for the rest, the house gives credit for goodwill and pays it back, or the
/// invoice is owed again by as much as is still allocated to it: what a dispute or
/// another refund took back meanwhile cannot be taken back twice, and is the
/// house's cost.
fn given_back(facts: &RefundFacts<'_>) -> Vec<Movement> {
    let Split {
        amount_minor,
        credit_minor,
    } = facts.split;
    let rest = amount_minor.saturating_sub(credit_minor);
    let allocated = facts.debt.map_or(0, |debt| debt.balance.allocated_minor());
    let reopened = match facts.purpose {
        RefundPurpose::Reopen => rest.min(allocated),
        RefundPurpose::Goodwill | RefundPurpose::UnusedCredit => 0,
    };
    let goodwill = rest.saturating_sub(reopened);
    let mut movements = Vec::new();
    if reopened > 0 {
        movements.push(Movement::RefundedToCard {
            amount_minor: reopened,
        });
    }
    if goodwill > 0 {
        movements.push(Movement::CreditGranted {
            amount_minor: goodwill,
        });
    }
    let paid_back = credit_minor.saturating_add(goodwill);
    if paid_back > 0 {
        movements.push(Movement::CreditPaidBack {
            provider: facts.provider,
            amount_minor: paid_back,
        });
    }
    movements
}

/// What a refund that failed after it went through books: the provider has the
/// money again, and each of its movements is undone. What was owed again is paid
/// by it, as by any money that comes; credit that was paid back is there again,
/// and what of it was given for goodwill is taken back.
fn undone(facts: &RefundFacts<'_>) -> Vec<Movement> {
    let BookedRefund {
        reopened_minor,
        granted_minor,
        paid_back_minor,
    } = facts.booked;
    let mut movements = Vec::new();
    if reopened_minor > 0
        && let Some(debt) = facts.debt
    {
        let mut book = Bookings::new(debt.balance, debt.written_off_minor);
        let receipt = Movement::RefundToCardFailed {
            amount_minor: reopened_minor,
        };
        book.receive(reopened_minor, receipt);
        movements = book.movements;
    }
    if paid_back_minor > 0 {
        movements.push(Movement::CreditPayBackFailed {
            provider: facts.provider,
            amount_minor: paid_back_minor,
        });
    }
    if granted_minor > 0 {
        movements.push(Movement::CreditGrantUndone {
            amount_minor: granted_minor,
        });
    }
    movements
}

#[cfg(test)]
#[path = "refund_tests.rs"]
mod tests;
