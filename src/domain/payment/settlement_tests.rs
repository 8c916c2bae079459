use super::*;
use crate::domain::ids::PaymentMethodId;
use crate::domain::payment::Decline;
use crate::domain::payment::dispute::{DisputeState, RecordedDispute};
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

fn movements(facts: &SettlementFacts<'_>, event: AttemptEvent, fee_minor: i64) -> Vec<Movement> {
    let news = News { event, fee_minor };
    settle(facts, &news).unwrap().unwrap().movements
}

#[test]
fn each_outcome_books_what_it_moves() {
    use Movement::{CardCaptured, RefundedToCredit, SepaReturned, SepaSettled, WriteOffRecovered};
    let open = AttemptState::Submitted;
    let paid = AttemptState::Succeeded;
    let am04 = || AttemptEvent::Returned {
        reason: Decline::sepa("AM04"),
    };
    let amount_minor = 100;
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
    ];
    for (state, event, notice, disables) in table {
        let facts = facts(state, CARD, 100, 0, 0);
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
    // Whoever paid by card takes it back by a dispute alone.
    let returned = News::free(AttemptEvent::Returned {
        reason: Decline::sepa("AM04"),
    });
    assert_eq!(
        settle(&facts, &returned),
        Err(SettlementError::NoDebit(PaymentMethod::Card))
    );
}

fn decision(state: DisputeState, bookings: Vec<DisputeBooking>) -> DisputeDecision {
    DisputeDecision {
        dispute: RecordedDispute {
            state,
            amount_minor: 100,
            fee_minor: 3,
            is_booked: true,
        },
        payment: if state.is_taken() {
            AttemptState::Returned {
                reason: Decline::chargeback(),
            }
        } else {
            AttemptState::Succeeded
        },
        bookings,
    }
}

#[test]
fn a_dispute_books_what_it_moves() {
    let (amount_minor, disputed) = (100, Disputed::CardPayment);
    let opened = DisputeBooking::Opened {
        amount_minor,
        fee_minor: 3,
    };
    let won = DisputeBooking::Won {
        amount_minor,
        fee_minor: 2,
    };
    let taken = Movement::ChargebackOpened {
        disputed,
        amount_minor,
        fee_minor: 3,
    };
    let back = Movement::ChargebackWon {
        disputed,
        amount_minor,
        fee_minor: 2,
    };
    let open = decision(DisputeState::Open, vec![opened]);
    let is_won = decision(DisputeState::Won, vec![won]);
    let both = decision(DisputeState::Won, vec![opened, won]);
    let lost = decision(DisputeState::Lost, Vec::new());
    let credit = |amount_minor| Movement::RefundedToCredit { amount_minor };
    // (decision, allocated, written off, movements, notice, disables)
    let table = [
        (
            &open,
            100,
            0,
            vec![taken],
            Some(Notice::ChargebackOpened),
            true,
        ),
        (
            &is_won,
            0,
            0,
            vec![back],
            Some(Notice::ChargebackWon),
            false,
        ),
        // It was paid otherwise while the dispute was on, or given up.
        (
            &is_won,
            100,
            0,
            vec![back, credit(100)],
            Some(Notice::ChargebackWon),
            false,
        ),
        (
            &is_won,
            100,
            30,
            vec![
                Movement::WriteOffRecovered { amount_minor: 30 },
                back,
                credit(70),
            ],
            Some(Notice::ChargebackWon),
            false,
        ),
        // Over before it was heard of: nobody is told.
        (&both, 100, 0, vec![taken, back], None, false),
        (&lost, 0, 0, vec![], None, false),
    ];
    for (decision, allocated, written_off, movements, notice, disables) in table {
        let balance = InvoiceBalance::new(100, allocated).unwrap();
        let settled = book_dispute(decision, balance, written_off).unwrap();
        assert_eq!(settled.movements, movements, "{decision:?} {allocated}");
        assert_eq!(settled.notice, notice, "{decision:?}");
        assert_eq!(settled.disables_method, disables, "{decision:?}");
        assert_eq!(settled.state, decision.payment);
    }
    // It was refunded so that the invoice is owed again, and is disputed too.
    let balance = InvoiceBalance::new(100, 20).unwrap();
    assert_eq!(
        book_dispute(&open, balance, 0),
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
        picks in prop::collection::vec((0..6_usize, 1_i64..300), 0..12),
    ) {
        let allocated = total * allocated_part / 100;
        let mut written_off = allocated * written_off_part / 100;
        let events = [
            AttemptEvent::Succeeded,
            AttemptEvent::Returned { reason: Decline::sepa("AM04") },
            AttemptEvent::Lost,
            AttemptEvent::Declined { decline: Decline::stripe("insufficient_funds") },
        ];
        let mut state = AttemptState::Submitted;
        let mut balance = InvoiceBalance::new(total, allocated).unwrap();
        for (pick, disputed) in picks {
            let facts = SettlementFacts {
                state: &state,
                by: if by_card { CARD } else { SEPA },
                amount_minor: amount.min(total),
                balance,
                written_off_minor: written_off,
            };
            let (amount_minor, fee_minor) = (disputed, 0);
            let dispute = match pick {
                4 => decision(DisputeState::Open, vec![DisputeBooking::Opened { amount_minor, fee_minor }]),
                _ => decision(DisputeState::Won, vec![DisputeBooking::Won { amount_minor, fee_minor }]),
            };
            let done = match events.get(pick) {
                Some(event) => settle(&facts, &News::free(event.clone())),
                // A dispute of whatever amount, of whatever state.
                None => book_dispute(&dispute, balance, written_off).map(Some),
            };
            let Ok(Some(done)) = done else {
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
