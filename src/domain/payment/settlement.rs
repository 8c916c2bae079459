//! What an attempt's news does to its state and to the ledger: a pure function
//! of the attempt, its invoice and what was read from the provider or bank.

use super::allocation::InvoiceBalance;
use super::attempt::{AttemptEvent, AttemptState, Booking, Contradiction};
use super::{DeclineClass, Instrument, PaymentMethod};
use crate::domain::ledger::{Disputed, Movement};

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
    /// What the provider or bank kept or charged for it, in minor units; what
    /// it gave back of that, where a dispute was won.
    pub fee_minor: i64,
    /// How much was taken back, where that is not all: a dispute about a part.
    pub taken_back_minor: Option<i64>,
}

impl News {
    /// News that cost nothing.
    #[must_use]
    pub const fn free(event: AttemptEvent) -> Self {
        Self {
            event,
            fee_minor: 0,
            taken_back_minor: None,
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
    /// The topic that the outbox holds; it never changes.
    #[must_use]
    pub const fn topic(self) -> &'static str {
        match self {
            Self::PaymentSucceeded => "payment_succeeded",
            Self::PaymentFailed => "payment_failed",
            Self::AuthenticationNeeded => "authentication_needed",
            Self::PaymentReturned => "payment_returned",
            Self::ChargebackOpened => "chargeback_opened",
            Self::ChargebackWon => "chargeback_won",
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
    let mut book = Bookings {
        open_minor: facts.balance.open_minor(),
        allocated_minor: facts.balance.allocated_minor(),
        written_off_minor: facts.written_off_minor,
        movements: Vec::new(),
    };
    for booking in facts.state.bookings(&next) {
        book.book(*booking, facts, news)?;
    }
    let refused_for_good = next
        .refusal()
        .is_some_and(|refusal| refusal.class == DeclineClass::Hard);
    Ok(Some(Settlement {
        notice: notice(facts, &next),
        movements: book.movements,
        disables_method: refused_for_good && facts.by.method() != PaymentMethod::Credit,
        state: next,
    }))
}

fn notice(facts: &SettlementFacts<'_>, next: &AttemptState) -> Option<Notice> {
    match next {
        AttemptState::Succeeded if matches!(facts.state, AttemptState::Returned { .. }) => {
            Some(Notice::ChargebackWon)
        }
        AttemptState::Succeeded => Some(Notice::PaymentSucceeded),
        AttemptState::Declined { decline } if !decline.was_asked() => None,
        AttemptState::Declined { decline } if decline.waits_for_customer() => {
            Some(Notice::AuthenticationNeeded)
        }
        AttemptState::Declined { decline } if decline.is_canceled() => None,
        AttemptState::Declined { .. } => Some(Notice::PaymentFailed),
        AttemptState::Returned { reason } if reason.is_chargeback() => {
            Some(Notice::ChargebackOpened)
        }
        AttemptState::Returned { .. } => Some(Notice::PaymentReturned),
        AttemptState::Created
        | AttemptState::Submitted
        | AttemptState::Pending
        | AttemptState::Unknown => None,
    }
}

/// The movements of one settlement in the making, and what they leave.
struct Bookings {
    open_minor: i64,
    allocated_minor: i64,
    written_off_minor: i64,
    movements: Vec<Movement>,
}

impl Bookings {
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
            (Booking::GivenBack, by) => {
                let amount_minor = news.taken_back_minor.unwrap_or(amount_minor);
                if amount_minor > self.allocated_minor {
                    return Err(SettlementError::TakenBackTwice {
                        taken_back_minor: amount_minor,
                        allocated_minor: self.allocated_minor,
                    });
                }
                self.allocated_minor = self.allocated_minor.saturating_sub(amount_minor);
                self.open_minor = self.open_minor.saturating_add(amount_minor);
                self.movements.push(match by {
                    Instrument::Sepa(_) => Movement::SepaReturned {
                        amount_minor,
                        bank_fee_minor: fee_minor,
                    },
                    Instrument::Card(_) | Instrument::Credit => Movement::ChargebackOpened {
                        disputed: Disputed::CardPayment,
                        amount_minor,
                        fee_minor,
                    },
                });
            }
            (Booking::WonBack, _) => {
                let amount_minor = news.taken_back_minor.unwrap_or(amount_minor);
                self.receive(
                    amount_minor,
                    Movement::ChargebackWon {
                        disputed: Disputed::CardPayment,
                        amount_minor,
                        fee_minor,
                    },
                );
            }
        }
        Ok(())
    }

    /// Money that is there, whatever became of the debt meanwhile: what was
    /// given up is owed again first, and what is beyond the debt is credit.
    fn receive(&mut self, amount_minor: i64, receipt: Movement) {
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
mod tests {
    use super::*;
    use crate::domain::ids::PaymentMethodId;
    use crate::domain::payment::Decline;
    use proptest::prelude::*;

    const CARD: Instrument = Instrument::Card(PaymentMethodId(1));
    const SEPA: Instrument = Instrument::Sepa(PaymentMethodId(2));

    fn facts(
        state: &AttemptState,
        by: Instrument,
        total: i64,
        allocated: i64,
        written_off: i64,
    ) -> SettlementFacts<'_> {
        SettlementFacts {
            state,
            by,
            amount_minor: 100,
            balance: InvoiceBalance::new(total, allocated).unwrap(),
            written_off_minor: written_off,
        }
    }

    fn movements(
        facts: &SettlementFacts<'_>,
        event: AttemptEvent,
        fee_minor: i64,
    ) -> Vec<Movement> {
        let news = News {
            event,
            fee_minor,
            taken_back_minor: None,
        };
        settle(facts, &news).unwrap().unwrap().movements
    }

    #[test]
    fn each_outcome_books_what_it_moves() {
        use Movement::{
            CardCaptured, ChargebackOpened, ChargebackWon, RefundedToCredit, SepaReturned,
            SepaSettled, WriteOffRecovered,
        };
        let open = AttemptState::Submitted;
        let paid = AttemptState::Succeeded;
        let back = |reason: Decline| AttemptState::Returned { reason };
        let charged_back = back(Decline::chargeback());
        let am04 = || AttemptEvent::Returned {
            reason: Decline::sepa("AM04"),
        };
        let dispute = || AttemptEvent::Returned {
            reason: Decline::chargeback(),
        };
        let (amount_minor, disputed) = (100, Disputed::CardPayment);
        let captured = CardCaptured {
            amount_minor,
            fee_minor: 3,
        };
        // (facts, event, movements), each with a fee of 3
        let table = [
            (
                facts(&open, CARD, 100, 0, 0),
                AttemptEvent::Succeeded,
                vec![captured],
            ),
            (
                facts(&open, SEPA, 100, 0, 0),
                AttemptEvent::Succeeded,
                vec![SepaSettled { amount_minor }],
            ),
            // Paid otherwise meanwhile: all of it is credit; half of it is.
            (
                facts(&open, CARD, 100, 100, 0),
                AttemptEvent::Succeeded,
                vec![captured, RefundedToCredit { amount_minor }],
            ),
            (
                facts(&open, CARD, 100, 50, 0),
                AttemptEvent::Succeeded,
                vec![captured, RefundedToCredit { amount_minor: 50 }],
            ),
            // Given up meanwhile.
            (
                facts(&open, CARD, 100, 100, 100),
                AttemptEvent::Succeeded,
                vec![WriteOffRecovered { amount_minor }, captured],
            ),
            (
                facts(&open, CARD, 100, 100, 30),
                AttemptEvent::Succeeded,
                vec![
                    WriteOffRecovered { amount_minor: 30 },
                    captured,
                    RefundedToCredit { amount_minor: 70 },
                ],
            ),
            (
                facts(&paid, SEPA, 100, 100, 0),
                am04(),
                vec![SepaReturned {
                    amount_minor,
                    bank_fee_minor: 3,
                }],
            ),
            // Read before its settlement.
            (
                facts(&open, SEPA, 100, 0, 0),
                am04(),
                vec![
                    SepaSettled { amount_minor },
                    SepaReturned {
                        amount_minor,
                        bank_fee_minor: 3,
                    },
                ],
            ),
            (
                facts(&paid, CARD, 100, 100, 0),
                dispute(),
                vec![ChargebackOpened {
                    disputed,
                    amount_minor,
                    fee_minor: 3,
                }],
            ),
            (
                facts(&charged_back, CARD, 100, 0, 0),
                AttemptEvent::WonBack,
                vec![ChargebackWon {
                    disputed,
                    amount_minor,
                    fee_minor: 3,
                }],
            ),
            // It was paid by another card while the dispute was on.
            (
                facts(&charged_back, CARD, 100, 100, 0),
                AttemptEvent::WonBack,
                vec![
                    ChargebackWon {
                        disputed,
                        amount_minor,
                        fee_minor: 3,
                    },
                    RefundedToCredit { amount_minor },
                ],
            ),
            (
                facts(&open, CARD, 100, 0, 0),
                AttemptEvent::Declined {
                    decline: Decline::stripe("lost_card"),
                },
                vec![],
            ),
        ];
        for (facts, event, expected) in table {
            assert_eq!(
                movements(&facts, event.clone(), 3),
                expected,
                "{facts:?} {event:?}"
            );
        }
    }

    #[test]
    fn news_tells_the_customer_and_rules_methods_out() {
        let open = AttemptState::Created;
        let declined = |code| AttemptEvent::Declined {
            decline: Decline::stripe(code),
        };
        let paid = AttemptState::Succeeded;
        let table = [
            (
                &open,
                AttemptEvent::Succeeded,
                Some(Notice::PaymentSucceeded),
                false,
            ),
            (
                &open,
                declined("insufficient_funds"),
                Some(Notice::PaymentFailed),
                false,
            ),
            (
                &open,
                declined("stolen_card"),
                Some(Notice::PaymentFailed),
                true,
            ),
            (
                &open,
                declined("authentication_required"),
                Some(Notice::AuthenticationNeeded),
                false,
            ),
            (&open, AttemptEvent::NotFound, None, false),
            (&open, AttemptEvent::Withdrawn, None, false),
            (&open, AttemptEvent::Lost, None, false),
            (
                &paid,
                AttemptEvent::Returned {
                    reason: Decline::chargeback(),
                },
                Some(Notice::ChargebackOpened),
                true,
            ),
        ];
        for (state, event, notice, disables) in table {
            let allocated = i64::from(*state == paid) * 100;
            let facts = facts(state, CARD, 100, allocated, 0);
            // Lost only leads from what was sent.
            let Ok(Some(settlement)) = settle(&facts, &News::free(event.clone())) else {
                panic!("{event:?}");
            };
            assert_eq!(settlement.notice, notice, "{event:?}");
            assert_eq!(settlement.disables_method, disables, "{event:?}");
        }
    }

    #[test]
    fn nothing_new_and_contradictions_book_nothing() {
        let paid = AttemptState::Succeeded;
        let facts = facts(&paid, CARD, 100, 100, 0);
        assert_eq!(
            settle(&facts, &News::free(AttemptEvent::Succeeded)),
            Ok(None)
        );
        let declined = News::free(AttemptEvent::Declined {
            decline: Decline::stripe("lost_card"),
        });
        assert!(settle(&facts, &declined).is_err());
        // It was refunded so that the invoice is owed again, and is disputed too.
        let refunded = self::facts(&paid, CARD, 100, 20, 0);
        let dispute = News::free(AttemptEvent::Returned {
            reason: Decline::chargeback(),
        });
        assert_eq!(
            settle(&refunded, &dispute),
            Err(SettlementError::TakenBackTwice {
                taken_back_minor: 100,
                allocated_minor: 20
            })
        );
    }

    proptest! {
        #[test]
        fn an_invoice_is_never_paid_over_or_under(
            total in 1_i64..300,
            allocated_part in 0_i64..=100,
            written_off_part in 0_i64..=100,
            amount in 1_i64..300,
            by_card in any::<bool>(),
            picks in prop::collection::vec(0..6_usize, 0..12),
        ) {
            let allocated = total * allocated_part / 100;
            let mut written_off = allocated * written_off_part / 100;
            let events = [
                AttemptEvent::Succeeded,
                AttemptEvent::Returned { reason: Decline::chargeback() },
                AttemptEvent::Returned { reason: Decline::sepa("AM04") },
                AttemptEvent::WonBack,
                AttemptEvent::Lost,
                AttemptEvent::Declined { decline: Decline::stripe("insufficient_funds") },
            ];
            let mut state = AttemptState::Submitted;
            let mut balance = InvoiceBalance::new(total, allocated).unwrap();
            for pick in picks {
                let facts = SettlementFacts {
                    state: &state,
                    by: if by_card { CARD } else { SEPA },
                    amount_minor: amount.min(total),
                    balance,
                    written_off_minor: written_off,
                };
                let Ok(Some(done)) = settle(&facts, &News::free(events[pick].clone())) else {
                    continue;
                };
                let net: i64 = done.movements.iter().map(Movement::allocated_minor).sum();
                // Anything out of range is refused here.
                let now = InvoiceBalance::new(total, balance.allocated_minor() + net);
                prop_assert!(now.is_ok(), "{facts:?} {done:?}");
                for movement in &done.movements {
                    if let Movement::WriteOffRecovered { amount_minor } = movement {
                        written_off -= amount_minor;
                    }
                }
                prop_assert!(written_off >= 0);
                balance = now.unwrap();
                state = done.state;
            }
        }
    }
}
