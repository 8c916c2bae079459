use super::*;
use crate::domain::payment::Decline;
use proptest::prelude::*;

const EUR: Currency = Currency::Eur;

fn facts(state: &AttemptState, refunded_minor: i64, taken_back_minor: i64) -> PurchaseFacts<'_> {
    PurchaseFacts {
        state,
        amount_minor: 5_000,
        refunded_minor,
        taken_back_minor,
    }
}

fn chargeback() -> AttemptEvent {
    AttemptEvent::Returned {
        reason: Decline::chargeback(),
    }
}

fn charged_back() -> AttemptState {
    AttemptState::Returned {
        reason: Decline::chargeback(),
    }
}

fn taken_back(taken_back_minor: i64) -> PurchaseNews {
    PurchaseNews {
        taken_back_minor,
        ..PurchaseNews::plain(chargeback())
    }
}

#[test]
fn five_is_the_least_in_every_currency() {
    for (minor, currency, sold) in [
        (500, EUR, true),
        (499, EUR, false),
        (0, EUR, false),
        (-500, EUR, false),
        (5, Currency::Jpy, true),
        (4, Currency::Jpy, false),
        (i64::MAX, EUR, true),
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
    let disputed = Disputed::CreditPurchase;
    let bought = PurchaseNews {
        fee_minor: 180,
        ..PurchaseNews::plain(AttemptEvent::Succeeded)
    };
    let opened = |amount_minor| Movement::ChargebackOpened {
        disputed,
        amount_minor,
        fee_minor: 0,
    };
    let table = [
        (
            facts(&pending, 0, 0),
            bought.clone(),
            vec![Movement::CreditBought {
                provider: ProviderName::PayPal,
                gross_minor: 5_000,
                fee_minor: 180,
            }],
            Some(PurchaseNotice::CreditBought),
        ),
        (
            facts(&pending, 0, 0),
            PurchaseNews::plain(AttemptEvent::Declined {
                decline: Decline::paypal("INSTRUMENT_DECLINED"),
            }),
            vec![],
            Some(PurchaseNotice::PurchaseFailed),
        ),
        // The payer never came back.
        (
            facts(&pending, 0, 0),
            PurchaseNews::plain(AttemptEvent::Declined {
                decline: Decline::canceled(),
            }),
            vec![],
            None,
        ),
        (
            facts(&paid, 0, 0),
            taken_back(5_000),
            vec![opened(5_000)],
            Some(PurchaseNotice::ChargebackOpened),
        ),
        (
            facts(&paid, 2_000, 0),
            taken_back(3_000),
            vec![opened(3_000)],
            Some(PurchaseNotice::ChargebackOpened),
        ),
        // What was taken comes back, not the whole purchase.
        (
            facts(&back, 2_000, 1_000),
            PurchaseNews::plain(AttemptEvent::WonBack),
            vec![Movement::ChargebackWon {
                disputed,
                amount_minor: 1_000,
                fee_minor: 0,
            }],
            Some(PurchaseNotice::ChargebackWon),
        ),
    ];
    for (facts, news, movements, notice) in table {
        let settled = settle_purchase(&facts, &news).unwrap().unwrap();
        assert_eq!(settled.movements, movements, "{facts:?} {news:?}");
        assert_eq!(settled.notice, notice, "{facts:?} {news:?}");
    }
    // Told twice, and told late.
    assert_eq!(settle_purchase(&facts(&paid, 0, 0), &bought), Ok(None));
    assert_eq!(settle_purchase(&facts(&back, 0, 5_000), &bought), Ok(None));
    assert_eq!(
        settle_purchase(&facts(&back, 0, 1_000), &taken_back(1_000)),
        Ok(None)
    );
}

#[test]
fn what_cannot_be_is_for_a_person() {
    let paid = AttemptState::Succeeded;
    let back = charged_back();
    for (facts, news) in [
        (facts(&paid, 2_001, 0), taken_back(3_000)),
        (facts(&paid, 0, 0), taken_back(5_001)),
        (facts(&back, 0, 1_000), taken_back(2_000)),
        (
            facts(&paid, 0, 0),
            PurchaseNews::plain(AttemptEvent::Declined {
                decline: Decline::paypal("DECLINED"),
            }),
        ),
    ] {
        assert!(
            settle_purchase(&facts, &news).is_err(),
            "{facts:?} {news:?}"
        );
    }
}

proptest! {
    /// Whatever is told, in whatever order and however often: what the movements
    /// add up to is what the state says, never more than was bought or less than
    /// nothing.
    #[test]
    fn credited_once_and_never_taken_twice(
        refunded in 0_i64..=5_000,
        picks in prop::collection::vec((0..7_usize, 1_i64..6_000), 0..30),
    ) {
        let mut state = AttemptState::Created;
        let (mut credit, mut taken) = (0_i64, 0_i64);
        for (pick, amount) in picks {
            let news = match pick {
                0 => PurchaseNews::plain(AttemptEvent::Accepted),
                1 => PurchaseNews { fee_minor: 9, ..PurchaseNews::plain(AttemptEvent::Succeeded) },
                2 => PurchaseNews::plain(AttemptEvent::Lost),
                3 => PurchaseNews::plain(AttemptEvent::Declined { decline: Decline::paypal("DECLINED") }),
                4 => PurchaseNews::plain(AttemptEvent::WonBack),
                5 => taken_back(amount),
                _ => taken_back(1_000),
            };
            let is_paid = matches!(state, AttemptState::Succeeded | AttemptState::Returned { .. });
            let facts = PurchaseFacts {
                state: &state,
                amount_minor: 5_000,
                refunded_minor: if is_paid { refunded } else { 0 },
                taken_back_minor: taken,
            };
            let Ok(Some(settled)) = settle_purchase(&facts, &news) else { continue };
            for movement in &settled.movements {
                match *movement {
                    Movement::CreditBought { gross_minor, .. } => credit += gross_minor,
                    Movement::ChargebackOpened { amount_minor, .. } => {
                        credit -= amount_minor;
                        taken += amount_minor;
                    }
                    Movement::ChargebackWon { amount_minor, .. } => {
                        credit += amount_minor;
                        taken -= amount_minor;
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            state = settled.state;
            let is_paid = matches!(state, AttemptState::Succeeded | AttemptState::Returned { .. });
            prop_assert_eq!(credit + taken, if is_paid { 5_000 } else { 0 });
            prop_assert!((0..=5_000).contains(&taken));
            prop_assert_eq!(taken > 0, matches!(state, AttemptState::Returned { .. }));
        }
    }
}
