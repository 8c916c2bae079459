//! What an attempt's news, and what is decided of its disputes, does to its state
//! and to the ledger: pure functions of the attempt, its invoice and what was read
//! from the provider or bank.

use super::allocation::InvoiceBalance;
use super::attempt::{AttemptEvent, AttemptState, Booking, Contradiction};
use super::dispute::{DisputeBooking, DisputeDecision};
use super::{DeclineClass, Instrument, PaymentMethod};
use crate::domain::ledger::{Disputed, Movement};
use crate::domain::notice::Topic;

/// The attempt and its invoice as they stand. Amounts are in minor units of the
/// invoice's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementFacts<'a> {
    pub state: &'a AttemptState,
    pub by: Instrument,
    pub amount_minor: i64,
    pub balance: InvoiceBalance,
    /// What of the invoice was given up: a payment that comes after all takes
    /// that back first.
    pub written_off_minor: i64,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub event: AttemptEvent,
    /// What the provider or bank kept or charged for it, in minor units.
    pub fee_minor: i64,
}

impl News {
    /// News that cost nothing.
    #[must_use]
    pub const fn free(event: AttemptEvent) -> Self {
        Self {
            event,
            fee_minor: 0,
        }
    }
}

/// What the customer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    PaymentSucceeded,
    PaymentFailed,
    AuthenticationNeeded,
    PaymentReturned,
    ChargebackOpened,
    ChargebackWon,
}

impl Notice {
    /// The topic that the outbox holds.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::PaymentSucceeded => Topic::PaymentSucceeded,
            Self::PaymentFailed => Topic::PaymentFailed,
            Self::AuthenticationNeeded => Topic::AuthenticationNeeded,
            Self::PaymentReturned => Topic::PaymentReturned,
            Self::ChargebackOpened => Topic::ChargebackOpened,
            Self::ChargebackWon => Topic::ChargebackWon,
        }
    }
}

/// What is written, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub state: AttemptState,
    /// In the order they are booked.
    pub movements: Vec<Movement>,
    pub notice: Option<Notice>,
    /// The card or mandate is not charged again, for any invoice.
    pub disables_method: bool,
}

/// The news cannot be booked; nothing is changed, and a person has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    #[error(
        "{taken_back_minor} is taken back, but only {allocated_minor} of it still pays the invoice"
    )]
    TakenBackTwice {
        taken_back_minor: i64,
        allocated_minor: i64,
    },
    #[error("a payment by {0} is taken back by a dispute alone")]
    NoDebit(PaymentMethod),
}

/// Decides. `None` where the news is none: it was told before, or comes too late
/// to matter.
///
/// # Errors
/// When the news contradicts what is recorded.
pub fn settle(
    facts: &SettlementFacts<'_>,
    news: &News,
) -> Result<Option<Settlement>, SettlementError> {
    let next = facts.state.clone().apply(&news.event)?;
    if next == *facts.state {
        return Ok(None);
    }
    let mut book = Bookings::new(facts.balance, facts.written_off_minor);
    for booking in facts.state.bookings(&next) {
        book.book(*booking, facts, news)?;
    }
    let refused_for_good = next
        .refusal()
        .is_some_and(|refusal| refusal.class == DeclineClass::Hard);
    Ok(Some(Settlement {
        notice: notice(&next),
        movements: book.movements,
        disables_method: refused_for_good && facts.by.method() != PaymentMethod::Credit,
        state: next,
    }))
}

/// What is decided of a dispute of a card payment, booked. `written_off_minor` as
/// in [`SettlementFacts`].
///
/// # Errors
/// When more is taken back than still pays the invoice.
pub fn book_dispute(
    decision: &DisputeDecision,
    balance: InvoiceBalance,
    written_off_minor: i64,
) -> Result<Settlement, SettlementError> {
    let mut book = Bookings::new(balance, written_off_minor);
    let disputed = Disputed::CardPayment;
    for booking in &decision.bookings {
        match *booking {
            DisputeBooking::Opened {
                amount_minor,
                fee_minor,
            } => {
                book.give_back(
                    amount_minor,
                    Movement::ChargebackOpened {
                        disputed,
                        amount_minor,
                        fee_minor,
                    },
                )?;
            }
            DisputeBooking::Won {
                amount_minor,
                fee_minor,
            } => {
                book.receive(
                    amount_minor,
                    Movement::ChargebackWon {
                        disputed,
                        amount_minor,
                        fee_minor,
                    },
                );
            }
        }
    }
    let notice = match (decision.opens(), decision.wins()) {
        (true, _) => Some(Notice::ChargebackOpened),
        (_, true) => Some(Notice::ChargebackWon),
        // Over before it was heard of.
        _ => None,
    };
    Ok(Settlement {
        state: decision.payment.clone(),
        movements: book.movements,
        notice,
        disables_method: decision.opens(),
    })
}

fn notice(next: &AttemptState) -> Option<Notice> {
    match next {
        AttemptState::Succeeded => Some(Notice::PaymentSucceeded),
        AttemptState::Declined { decline } if !decline.was_asked() => None,
        AttemptState::Declined { decline } if decline.waits_for_customer() => {
            Some(Notice::AuthenticationNeeded)
        }
        AttemptState::Declined { decline } if decline.is_canceled() => None,
        AttemptState::Declined { .. } => Some(Notice::PaymentFailed),
        AttemptState::Returned { .. } => Some(Notice::PaymentReturned),
        AttemptState::Created
        | AttemptState::Submitted
        | AttemptState::Pending
        | AttemptState::Unknown => None,
    }
}

/// The movements of one settlement in the making, and what they leave.
pub(super) struct Bookings {
    open_minor: i64,
    allocated_minor: i64,
    written_off_minor: i64,
    pub(super) movements: Vec<Movement>,
}

impl Bookings {
    pub(super) const fn new(balance: InvoiceBalance, written_off_minor: i64) -> Self {
        Self {
            open_minor: balance.open_minor(),
            allocated_minor: balance.allocated_minor(),
            written_off_minor,
            movements: Vec::new(),
        }
    }

    fn book(
        &mut self,
        booking: Booking,
        facts: &SettlementFacts<'_>,
        news: &News,
    ) -> Result<(), SettlementError> {
        let amount_minor = facts.amount_minor;
        // A return that is read before its settlement costs what the return costs.
        let fee_minor = news.fee_minor;
        match (booking, facts.by) {
            (Booking::Settled, by) => {
                let fee_minor = if matches!(news.event, AttemptEvent::Succeeded) {
                    fee_minor
                } else {
                    0
                };
                self.receive(
                    amount_minor,
                    match by {
                        Instrument::Credit => Movement::CreditUsed { amount_minor },
                        Instrument::Sepa(_) => Movement::SepaSettled { amount_minor },
                        Instrument::Card(_) => Movement::CardCaptured {
                            amount_minor,
                            fee_minor,
                        },
                    },
                );
            }
            (Booking::GivenBack, Instrument::Sepa(_)) => {
                self.give_back(
                    amount_minor,
                    Movement::SepaReturned {
                        amount_minor,
                        bank_fee_minor: fee_minor,
                    },
                )?;
            }
            (Booking::GivenBack, by) => return Err(SettlementError::NoDebit(by.method())),
        }
        Ok(())
    }

    /// Money that is gone: the invoice is owed again by it.
    fn give_back(&mut self, amount_minor: i64, movement: Movement) -> Result<(), SettlementError> {
        if amount_minor > self.allocated_minor {
            return Err(SettlementError::TakenBackTwice {
                taken_back_minor: amount_minor,
                allocated_minor: self.allocated_minor,
            });
        }
        self.allocated_minor = self.allocated_minor.saturating_sub(amount_minor);
        self.open_minor = self.open_minor.saturating_add(amount_minor);
        self.movements.push(movement);
        Ok(())
    }

    /// Money that is there, whatever became of the debt meanwhile: what was
    /// given up is owed again first, and what is beyond the debt is credit.
    pub(super) fn receive(&mut self, amount_minor: i64, receipt: Movement) {
        let beyond = amount_minor.saturating_sub(self.open_minor).max(0);
        let recovered = beyond.min(self.written_off_minor);
        if recovered > 0 {
            self.written_off_minor = self.written_off_minor.saturating_sub(recovered);
            self.movements.push(Movement::WriteOffRecovered {
                amount_minor: recovered,
            });
        }
        self.movements.push(receipt);
        let excess = beyond.saturating_sub(recovered);
        if excess > 0 {
            self.movements.push(Movement::RefundedToCredit {
                amount_minor: excess,
            });
        }
        let paid = amount_minor.saturating_sub(beyond);
        self.open_minor = self.open_minor.saturating_sub(paid);
        self.allocated_minor = self.allocated_minor.saturating_add(paid);
    }
}

#[cfg(test)]
#[path = "settlement_tests.rs"]
mod tests;
