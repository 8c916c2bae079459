use proptest::prelude::*;

use super::*;
use crate::domain::money::Currency;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

fn number() -> InvoiceNumber {
    "Q-2026-000123".parse().unwrap()
}

fn nothing() -> LeavingFacts {
    LeavingFacts {
        running: Vec::new(),
        unbilled: Vec::new(),
        parked: Vec::new(),
        owed: Vec::new(),
        payments: Vec::new(),
        disputes: Vec::new(),
        purchases: Vec::new(),
        refunds: Vec::new(),
        balance: eur(0),
        credit: CreditLeft::split(eur(0), 0),
        gives_up_credit: false,
        has_open_usage: false,
        late_pieces: 0,
        is_final_invoiced: false,
    }
}

/// Each reason alone: what makes it, and its words.
const REASONS: [(fn(&mut LeavingFacts), &str); 11] = [
    (
        |facts| {
            facts.running = vec![("shop-api".to_owned(), "container web".to_owned())];
        },
        "the app shop-api still runs: container web",
    ),
    (
        |facts| facts.unbilled = vec!["2026-10".parse().unwrap()],
        "its usage of 2026-10 is not billed yet",
    ),
    (
        |facts| {
            facts.parked = vec![("2026-10".parse().unwrap(), "over the limit".to_owned())];
        },
        "its invoice of 2026-10 is held back: over the limit",
    ),
    (
        |facts| facts.owed = vec![(number(), eur(1_200))],
        "invoice Q-2026-000123 owes 12.00 EUR",
    ),
    (
        |facts| facts.payments = vec![(PaymentMethod::Sepa, number(), eur(1_200))],
        "a payment of 12.00 EUR for Q-2026-000123 by sepa is on its way",
    ),
    (
        |facts| facts.disputes = vec![eur(500)],
        "a dispute about 5.00 EUR is not decided",
    ),
    (
        |facts| facts.purchases = vec![eur(1_000)],
        "a purchase of credit for 10.00 EUR is on its way",
    ),
    (
        |facts| facts.refunds = vec![eur(700)],
        "a refund of 7.00 EUR is on its way",
    ),
    (
        |facts| {
            facts.balance = eur(-300);
            facts.credit = CreditLeft::split(eur(-300), 0);
        },
        "its credit is below zero: 3.00 EUR is owed",
    ),
    (
        |facts| facts.credit.own = eur(450),
        "credit of 4.50 EUR is left: it is refunded first, or the customer gives it up (--give-up-credit)",
    ),
    (
        |facts| {
            facts.is_final_invoiced = true;
            facts.late_pieces = 2;
        },
        "usage that was told after its final invoice waits (2): the next month's run holds it back for a person",
    ),
];

#[test]
fn every_combination_of_reasons_is_told_whole_and_in_order() {
    for chosen in 0_u32..1 << REASONS.len() {
        let mut facts = nothing();
        let mut expected = Vec::new();
        for (at, (make, words)) in REASONS.iter().enumerate() {
            if chosen & (1 << at) != 0 {
                make(&mut facts);
                expected.push((*words).to_owned());
            }
        }
        let told = match decide(&facts) {
            Ok(_) => Vec::new(),
            Err(refusals) => refusals.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(told, expected, "{chosen:b}");
    }
}

#[test]
fn what_is_not_billed_yet_is_billed_first_and_once() {
    // (open usage, late pieces, the final invoice was made, the way)
    let table = [
        (false, 0, false, Ok(Way::Ready)),
        (true, 0, false, Ok(Way::NeedsFinalInvoice)),
        (false, 1, false, Ok(Way::NeedsFinalInvoice)),
        (true, 3, false, Ok(Way::NeedsFinalInvoice)),
        (false, 0, true, Ok(Way::Ready)),
        // It is on the final invoice.
        (true, 0, true, Ok(Way::Ready)),
        (false, 1, true, Err(vec![Refusal::LateUsage(1)])),
    ];
    for (has_open_usage, late_pieces, is_final_invoiced, way) in table {
        let facts = LeavingFacts {
            has_open_usage,
            late_pieces,
            is_final_invoiced,
            ..nothing()
        };
        assert_eq!(decide(&facts), way, "{facts:?}");
    }
}

#[test]
fn credit_is_the_customers_own_first() {
    // (left, of the customer's own money, own, goodwill)
    let table = [
        (0, 0, 0, 0),
        (1_000, 1_000, 1_000, 0),
        (1_000, 0, 0, 1_000),
        (1_000, 400, 400, 600),
        // Some of its own was used: what is left is its own all the same.
        (300, 1_000, 300, 0),
        (-200, 1_000, 0, 0),
        (500, -100, 0, 500),
    ];
    for (balance, own, expected_own, goodwill) in table {
        let split = CreditLeft::split(eur(balance), own);
        assert_eq!(
            (split.own.minor, split.goodwill.minor),
            (expected_own, goodwill),
            "{balance} {own}"
        );
    }
    let mut facts = nothing();
    facts.balance = eur(1_000);
    facts.credit = CreditLeft::split(eur(1_000), 1_000);
    assert_eq!(
        decide(&facts),
        Err(vec![Refusal::CreditLeft(eur(1_000))]),
        "nobody's money is taken by itself"
    );
    facts.gives_up_credit = true;
    assert_eq!(decide(&facts), Ok(Way::Ready));
    facts.gives_up_credit = false;
    facts.credit = CreditLeft::split(eur(1_000), 0);
    assert_eq!(decide(&facts), Ok(Way::Ready), "a gift lapses");
}

/// The steps, so many of them confirmed and the next one asked for.
fn steps(confirmed: usize) -> Vec<StepStanding> {
    let at = |asked: bool| asked.then_some(Instant(1));
    let steps = DeletionStep::ALL.into_iter().enumerate();
    steps
        .map(|(position, step)| StepStanding {
            step,
            asked_at: at(position <= confirmed),
            confirmed_at: at(position < confirmed),
        })
        .collect()
}

#[test]
fn a_step_counts_once_and_in_its_order() {
    for confirmed in 0..=DeletionStep::ALL.len() {
        let steps = steps(confirmed);
        for (position, step) in DeletionStep::ALL.into_iter().enumerate() {
            let got = step_done(&steps, step);
            let next = DeletionStep::ALL.get(position + 1);
            let expected = match position.cmp(&confirmed) {
                std::cmp::Ordering::Less => Ok(StepDone::Again),
                std::cmp::Ordering::Equal => {
                    Ok(next.map_or(StepDone::Last, |next| StepDone::Next(*next)))
                }
                std::cmp::Ordering::Greater => Err(NotAsked {
                    step,
                    waits_for: Some(DeletionStep::ALL[confirmed]),
                }),
            };
            assert_eq!(got, expected, "{confirmed} {step:?}");
        }
    }
    let early = step_done(&steps(1), DeletionStep::Domains).unwrap_err();
    assert_eq!(
        early.to_string(),
        "domains was not asked for yet: activity comes first"
    );
}

#[test]
fn a_step_is_asked_for_before_it_is_done() {
    let mut steps = steps(0);
    steps[0].asked_at = None;
    let error = step_done(&steps, DeletionStep::Deployments).unwrap_err();
    assert_eq!(error.to_string(), "deployments was not asked for yet");
    assert!(step_done(&[], DeletionStep::Deployments).is_err());
}

#[test]
fn what_is_kept_is_kept_long_enough() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    for (last, until) in [
        (Some("2026-11-09"), Some("2028-01-09")),
        (Some("2026-12-31"), Some("2028-02-29")),
        (None, None),
    ] {
        assert_eq!(
            mandate_kept_until(last.map(day)),
            until.map(day),
            "{last:?}"
        );
    }
    for (issued, years, until) in [
        ("2026-01-01", 10, "2036-12-31"),
        ("2026-12-31", 10, "2036-12-31"),
        ("2026-12-31", 6, "2032-12-31"),
    ] {
        assert_eq!(
            identity_kept_until(day(issued), years),
            Some(day(until)),
            "{issued}"
        );
    }
    assert_eq!(identity_kept_until(NaiveDate::MAX, 10), None);
}

proptest! {
    /// Nobody leaves who owes, or who has money with us that it did not give up.
    #[test]
    fn who_leaves_owes_nothing_and_is_owed_nothing(
        owed in proptest::collection::vec(1_i64..10_000, 0..3),
        out in 0_usize..3, balance in -500_i64..500, own in -500_i64..500,
        gives_up_credit: bool, has_open_usage: bool, late_pieces in 0_u64..3, is_final_invoiced: bool,
    ) {
        let facts = LeavingFacts {
            owed: owed.iter().map(|minor| (number(), eur(*minor))).collect(),
            payments: vec![(PaymentMethod::Card, number(), eur(1)); out],
            balance: eur(balance),
            credit: CreditLeft::split(eur(balance), own),
            gives_up_credit, has_open_usage, late_pieces, is_final_invoiced,
            ..nothing()
        };
        let split = facts.credit;
        prop_assert_eq!(split.own.minor + split.goodwill.minor, balance.max(0));
        match decide(&facts) {
            Ok(way) => {
                prop_assert!(owed.is_empty() && out == 0 && balance >= 0);
                prop_assert!(gives_up_credit || split.own.minor == 0);
                let unbilled = has_open_usage || late_pieces > 0;
                prop_assert_eq!(way == Way::NeedsFinalInvoice, unbilled && !is_final_invoiced);
                prop_assert!(!is_final_invoiced || late_pieces == 0);
            }
            Err(refusals) => prop_assert!(!refusals.is_empty()),
        }
    }
}
