use super::*;
use crate::domain::payment::Decline;
use crate::domain::payment::dispute::{DisputeState, RecordedDispute};
use proptest::prelude::*;

const EUR: Currency = Currency::Eur;

const fn facts(state: &AttemptState) -> PurchaseFacts<'_> {
    PurchaseFacts {
        state,
        amount_minor: 5_000,
    }
}

fn charged_back() -> AttemptState {
    AttemptState::Returned {
        reason: Decline::chargeback(),
    }
}

#[test]
fn five_is_the_least_and_a_hundred_thousand_the_most_in_every_currency() {
    for (minor, currency, sold) in [
        (500, EUR, true),
        (499, EUR, false),
        (0, EUR, false),
        (-500, EUR, false),
        (5, Currency::Jpy, true),
        (4, Currency::Jpy, false),
        (10_000_000, EUR, true),
        (10_000_001, EUR, false),
        (100_000, Currency::Jpy, true),
        (100_001, Currency::Jpy, false),
        (i64::MAX, EUR, false),
    ] {
        let checked = check_amount(Money::new(minor, currency));
        assert_eq!(checked.is_ok(), sold, "{minor} {currency}");
    }
}

#[test]
fn each_outcome_books_what_it_moves() {
    let pending = AttemptState::Pending;
    let paid = AttemptState::Succeeded;
    let back = charged_back();
    let bought = PurchaseNews {
        fee_minor: 180,
        ..PurchaseNews::plain(AttemptEvent::Succeeded)
    };
    let table = [
        (
            facts(&pending),
            bought.clone(),
            vec![Movement::CreditBought {
                provider: ProviderName::PayPal,
                gross_minor: 5_000,
                fee_minor: 180,
            }],
            Some(PurchaseNotice::CreditBought),
        ),
        (
            facts(&pending),
            PurchaseNews::plain(AttemptEvent::Declined {
                decline: Decline::paypal("INSTRUMENT_DECLINED"),
            }),
            vec![],
            Some(PurchaseNotice::PurchaseFailed),
        ),
        // The payer never came back.
        (
            facts(&pending),
            PurchaseNews::plain(AttemptEvent::Declined {
                decline: Decline::canceled(),
            }),
            vec![],
            None,
        ),
    ];
    for (facts, news, movements, notice) in table {
        let settled = settle_purchase(&facts, &news).unwrap().unwrap();
        assert_eq!(settled.movements, movements, "{facts:?} {news:?}");
        assert_eq!(settled.notice, notice, "{facts:?} {news:?}");
    }
    // Told twice, and told late.
    assert_eq!(settle_purchase(&facts(&paid), &bought), Ok(None));
    assert_eq!(settle_purchase(&facts(&back), &bought), Ok(None));
}

#[test]
fn what_cannot_be_is_for_a_person() {
    let paid = AttemptState::Succeeded;
    let declined = PurchaseNews::plain(AttemptEvent::Declined {
        decline: Decline::paypal("DECLINED"),
    });
    assert!(settle_purchase(&facts(&paid), &declined).is_err());
    let returned = PurchaseNews::plain(AttemptEvent::Returned {
        reason: Decline::chargeback(),
    });
    assert_eq!(
        settle_purchase(&facts(&paid), &returned),
        Err(PurchaseError::NoDispute)
    );
}

#[test]
fn a_dispute_books_what_it_moves() {
    let disputed = Disputed::CreditPurchase;
    let (amount_minor, fee_minor) = (1_000, 0);
    let opened = DisputeBooking::Opened {
        amount_minor,
        fee_minor,
    };
    let won = DisputeBooking::Won {
        amount_minor,
        fee_minor,
    };
    let taken = Movement::ChargebackOpened {
        disputed,
        amount_minor,
        fee_minor,
    };
    let back = Movement::ChargebackWon {
        disputed,
        amount_minor,
        fee_minor,
    };
    let table = [
        (
            vec![opened],
            vec![taken],
            Some(PurchaseNotice::ChargebackOpened),
        ),
        (vec![won], vec![back], Some(PurchaseNotice::ChargebackWon)),
        (vec![opened, won], vec![taken, back], None),
        (vec![], vec![], None),
    ];
    for (bookings, movements, notice) in table {
        let decision = DisputeDecision {
            dispute: RecordedDispute {
                state: DisputeState::Open,
                amount_minor,
                fee_minor,
                is_booked: true,
            },
            payment: charged_back(),
            bookings,
        };
        let settled = book_dispute(&decision);
        assert_eq!(settled.movements, movements);
        assert_eq!(settled.notice, notice);
        assert_eq!(settled.state, charged_back());
    }
}

proptest! {
    /// Whatever is told, in whatever order and however often: it is credited once,
    /// where the state says that it was paid.
    #[test]
    fn credited_once(picks in prop::collection::vec(0..5_usize, 0..30)) {
        let mut state = AttemptState::Created;
        let mut credit = 0_i64;
        for pick in picks {
            let news = match pick {
                0 => PurchaseNews::plain(AttemptEvent::Accepted),
                1 => PurchaseNews { fee_minor: 9, ..PurchaseNews::plain(AttemptEvent::Succeeded) },
                2 => PurchaseNews::plain(AttemptEvent::Lost),
                3 => PurchaseNews::plain(AttemptEvent::Declined { decline: Decline::paypal("DECLINED") }),
                _ => PurchaseNews::plain(AttemptEvent::Returned { reason: Decline::chargeback() }),
            };
            let Ok(Some(settled)) = settle_purchase(&facts(&state), &news) else { continue };
            for movement in &settled.movements {
                match *movement {
                    Movement::CreditBought { gross_minor, .. } => credit += gross_minor,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            state = settled.state;
            prop_assert_eq!(credit, if state == AttemptState::Succeeded { 5_000 } else { 0 });
        }
    }
}
