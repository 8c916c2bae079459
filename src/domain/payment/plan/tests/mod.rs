mod combinations;
mod story;

use super::*;
use crate::domain::payment::{AttemptState, Decline};
use MethodState::{ActionRequired, HardDeclined, MandateLapsed, Usable};
use chrono::Days;

const OPEN: i64 = 1_000;
const SEPA: PaymentMethodId = PaymentMethodId(2);
const CARD: PaymentMethodId = PaymentMethodId(3);

/// Days after 1 October 2026, when the invoice is due.
fn day(days: u64) -> NaiveDate {
    let due_on = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap();
    due_on.checked_add_days(Days::new(days)).unwrap()
}

fn facts(
    credit_minor: i64,
    sepa: Option<MethodState>,
    card: Option<MethodState>,
) -> CollectionFacts<'static> {
    CollectionFacts {
        due_on: day(0),
        total_minor: OPEN,
        open_minor: OPEN,
        credit_minor,
        sepa: sepa.map(|state| OnFile { id: SEPA, state }),
        card: card.map(|state| OnFile { id: CARD, state }),
        attempts: &[],
    }
}

fn policy(credit: bool, sepa: bool, partial_credit: bool) -> CollectionPolicy {
    CollectionPolicy {
        fallback: Fallback {
            credit,
            sepa,
            card: false,
        },
        partial_credit,
        ..CollectionPolicy::default()
    }
}

fn say(decision: &Decision) -> String {
    match decision {
        Decision::LeaveOut(reason) => reason.to_string(),
        Decision::Charge {
            parts,
            rest,
            cancel_waiting,
        } => {
            let parts = parts.iter();
            let mut texts: Vec<String> = parts
                .map(|part| format!("{} {}", part.by.method(), part.amount_minor))
                .collect();
            texts.extend(rest.map(|reason| format!("rest: {reason}")));
            texts.extend(cancel_waiting.then(|| "cancel first".to_owned()));
            texts.join(", ")
        }
    }
}

fn on_day(facts: &CollectionFacts<'_>, policy: &CollectionPolicy, days: u64) -> String {
    say(&decide(facts, policy, Trigger::Schedule, day(days)))
}

#[test]
fn the_rows_that_matter() {
    let default = CollectionPolicy::default();
    let partial = policy(true, false, true);
    let strict = policy(false, false, false);
    let all_fall = policy(true, true, false);
    let usable = Some(Usable);
    let hard = Some(HardDeclined);
    // (policy, credit, sepa, card, decision)
    let table = [
        // the order: credit, SEPA, card
        (&default, 1_000, usable, usable, "credit 1000"),
        (&default, 1_001, usable, usable, "credit 1000"),
        (&default, 999, usable, usable, "sepa 1000"),
        (&default, 0, usable, usable, "sepa 1000"),
        (&default, -50, None, usable, "card 1000"),
        // credit short -> card
        (&default, 999, None, usable, "card 1000"),
        (
            &default,
            999,
            None,
            None,
            "credit short and no other method",
        ),
        (&default, 0, None, None, "credit short and no other method"),
        (
            &strict,
            999,
            None,
            usable,
            "credit short and no other method",
        ),
        // who never bought credit is not held up by it
        (&strict, 0, None, usable, "card 1000"),
        // a failed debit does not try the card by itself
        (&default, 0, hard, usable, "hard decline of sepa"),
        (&all_fall, 0, hard, usable, "card 1000"),
        // a mandate that lapsed did not fail
        (&default, 0, Some(MandateLapsed), usable, "card 1000"),
        (&default, 0, Some(MandateLapsed), None, "the mandate lapsed"),
        // what the customer can do most about is said
        (
            &all_fall,
            5,
            hard,
            Some(ActionRequired),
            "card: the customer has to act",
        ),
        (&default, 0, None, hard, "hard decline of card"),
        // part by credit
        (&partial, 300, None, usable, "credit 300, card 700"),
        (&partial, 1_000, None, usable, "credit 1000"),
        (
            &partial,
            300,
            None,
            None,
            "credit 300, rest: credit short and no other method",
        ),
        (
            &partial,
            300,
            None,
            hard,
            "credit 300, rest: hard decline of card",
        ),
        (&partial, -300, None, usable, "card 1000"),
    ];
    for (policy, credit, sepa, card, expected) in table {
        let got = on_day(&facts(credit, sepa, card), policy, 0);
        assert_eq!(
            got, expected,
            "credit {credit}, sepa {sepa:?}, card {card:?}"
        );
    }
}

fn attempt(by: Instrument, made_on: NaiveDate, state: AttemptState) -> PastAttempt {
    PastAttempt {
        by,
        made_on,
        ended_on: (!state.in_flight()).then_some(made_on),
        state,
    }
}

fn card(on: u64, code: &str) -> PastAttempt {
    let decline = Decline::stripe(code);
    attempt(
        Instrument::Card(CARD),
        day(on),
        AttemptState::Declined { decline },
    )
}

fn sepa(on: u64, code: &str) -> PastAttempt {
    let reason = Decline::sepa(code);
    attempt(
        Instrument::Sepa(SEPA),
        day(on),
        AttemptState::Returned { reason },
    )
}

fn pending(on: u64) -> PastAttempt {
    attempt(Instrument::Sepa(SEPA), day(on), AttemptState::Pending)
}

#[test]
fn what_was_tried_decides_what_is_next() {
    let default = CollectionPolicy::default();
    let all_fall = policy(true, true, false);
    let partial = policy(true, false, true);
    let old_card = PastAttempt {
        by: Instrument::Card(PaymentMethodId(9)),
        ..card(0, "stolen_card")
    };
    let soft = "insufficient_funds";
    let by_card = facts(0, None, Some(Usable));
    let by_sepa = facts(0, Some(Usable), None);
    let by_both = facts(0, Some(Usable), Some(Usable));
    // (facts, tried, policy, today, decision)
    let table = [
        // the card keeps to the ladder
        (
            &by_card,
            vec![card(0, soft)],
            &default,
            0,
            "waits until 2026-10-02",
        ),
        (&by_card, vec![card(0, soft)], &default, 1, "card 1000"),
        (&by_card, vec![card(0, soft)], &default, 9, "card 1000"),
        (
            &by_card,
            vec![card(12, soft)],
            &default,
            20,
            "every step was tried",
        ),
        (
            &by_card,
            vec![card(0, "moon_phase")],
            &default,
            1,
            "card 1000",
        ),
        (
            &by_card,
            vec![card(0, "stolen_card")],
            &default,
            1,
            "hard decline of card",
        ),
        (
            &by_card,
            vec![card(0, "authentication_required")],
            &default,
            1,
            "card: the customer has to act",
        ),
        // a new card does not wait, nor inherit what the old one did
        (&by_card, vec![old_card], &default, 0, "card 1000"),
        // nothing while something is in flight, whatever else could pay
        (
            &by_both,
            vec![pending(0)],
            &all_fall,
            5,
            "in flight by sepa",
        ),
        (
            &facts(5_000, None, None),
            vec![pending(0)],
            &partial,
            5,
            "in flight by sepa",
        ),
        // the chosen method stays for all retries, unless its fallback is on:
        // then the next is tried at once, and stays
        (
            &by_both,
            vec![sepa(0, "AM04")],
            &default,
            0,
            "waits until 2026-10-02",
        ),
        (&by_both, vec![sepa(0, "AM04")], &default, 1, "sepa 1000"),
        (
            &by_both,
            vec![sepa(0, "AC04")],
            &default,
            1,
            "hard decline of sepa",
        ),
        (
            &by_both,
            vec![sepa(0, "MD06")],
            &default,
            1,
            "sepa: the customer has to act",
        ),
        (&by_both, vec![sepa(0, "AM04")], &all_fall, 0, "card 1000"),
        (
            &by_both,
            vec![sepa(0, "AM04"), card(0, soft)],
            &all_fall,
            0,
            "waits until 2026-10-02",
        ),
        (
            &by_both,
            vec![sepa(0, "AM04"), card(0, soft)],
            &all_fall,
            1,
            "card 1000",
        ),
        (
            &by_both,
            vec![sepa(0, "AM04"), card(0, "lost_card")],
            &all_fall,
            1,
            "sepa 1000",
        ),
        (
            &by_both,
            vec![sepa(0, "AC04"), card(0, "lost_card")],
            &all_fall,
            1,
            "hard decline of sepa",
        ),
        (&by_sepa, vec![sepa(0, "AM04")], &all_fall, 1, "sepa 1000"),
        // a top-up does not wait for a step; a part of it only with the setting
        (
            &facts(1_000, None, Some(Usable)),
            vec![card(1, soft)],
            &default,
            2,
            "credit 1000",
        ),
        (
            &facts(900, None, Some(Usable)),
            vec![card(1, soft)],
            &default,
            2,
            "waits until 2026-10-04",
        ),
        (
            &facts(900, None, Some(Usable)),
            vec![card(1, soft)],
            &partial,
            2,
            "credit 900, rest: waits until 2026-10-04",
        ),
        (
            &facts(900, None, Some(Usable)),
            vec![card(1, soft)],
            &partial,
            3,
            "credit 900, card 100",
        ),
        // what waits for the customer is canceled before something else pays
        (
            &facts(1_000, None, Some(Usable)),
            vec![card(0, "authentication_required")],
            &default,
            2,
            "credit 1000, cancel first",
        ),
    ];
    for (base, attempts, policy, today, expected) in table {
        let facts = CollectionFacts {
            attempts: &attempts,
            ..base.clone()
        };
        assert_eq!(on_day(&facts, policy, today), expected, "{attempts:#?}");
    }
}

#[test]
fn what_has_nothing_open_is_left_out() {
    let base = facts(5_000, Some(Usable), Some(Usable));
    let default = CollectionPolicy::default();
    let of = |total_minor, open_minor| CollectionFacts {
        total_minor,
        open_minor,
        ..base.clone()
    };
    assert_eq!(on_day(&of(0, 0), &default, 0), "nothing to charge");
    assert_eq!(on_day(&of(1_000, 0), &default, 0), "already paid");
    assert_eq!(on_day(&of(1_000, -1), &default, 0), "already paid");
    assert_eq!(on_day(&of(1_000, 400), &default, 0), "credit 400");
    let early = CollectionFacts {
        due_on: day(5),
        ..base.clone()
    };
    assert_eq!(on_day(&early, &default, 4), "waits until 2026-10-06");
    assert_eq!(on_day(&early, &default, 5), "credit 1000");
}

#[test]
fn customers_and_people_do_not_wait() {
    use PaymentMethod::{Card, Credit, Sepa};
    let tried = [sepa(0, "AM04"), card(0, "insufficient_funds")];
    let barred = [sepa(0, "AC04"), card(0, "stolen_card")];
    let person = |only| Trigger::Person { only };
    let both = |credit| facts(credit, Some(Usable), Some(Usable));
    // (credit, tried, trigger, decision)
    let table: [(i64, &[PastAttempt], Trigger, &str); 13] = [
        // a new card pays although a debit comes first and does not fall back
        (0, &tried[..1], Trigger::NewMethod(CARD), "card 1000"),
        (300, &tried[..1], Trigger::NewMethod(CARD), "card 1000"),
        (1_000, &tried[..1], Trigger::NewMethod(CARD), "credit 1000"),
        (0, &tried[1..], Trigger::NewMethod(SEPA), "sepa 1000"),
        (
            0,
            &tried,
            Trigger::NewMethod(PaymentMethodId(9)),
            "credit short and no other method",
        ),
        (0, &[], person(None), "sepa 1000"),
        (0, &tried, person(None), "sepa 1000"),
        (0, &tried, person(Some(Card)), "card 1000"),
        (0, &tried, person(Some(Sepa)), "sepa 1000"),
        (
            500,
            &tried,
            person(Some(Credit)),
            "credit short and no other method",
        ),
        (0, &barred, person(Some(Card)), "hard decline of card"),
        (0, &barred, person(None), "hard decline of sepa"),
        (1_000, &barred, person(Some(Card)), "hard decline of card"),
    ];
    for (credit, attempts, trigger, expected) in table {
        let facts = CollectionFacts {
            attempts,
            ..both(credit)
        };
        let default = CollectionPolicy::default();
        let got = say(&decide(&facts, &default, trigger, day(0)));
        assert_eq!(got, expected, "{trigger:?}: {attempts:#?}");
    }
    let none = facts(0, None, None);
    let by_card = decide(
        &none,
        &CollectionPolicy::default(),
        person(Some(Card)),
        day(0),
    );
    assert_eq!(say(&by_card), "no such method on file");
}

#[test]
fn an_order_names_each_method_once() {
    use PaymentMethod::{Card, Credit, Sepa};
    for methods in [vec![], vec![Card, Card], vec![Credit, Sepa, Credit]] {
        assert_eq!(CollectionOrder::new(methods), Err(OrderError));
    }
    let card_first = CollectionPolicy {
        order: CollectionOrder::new(vec![Card, Credit]).unwrap(),
        ..CollectionPolicy::default()
    };
    let all = facts(5_000, Some(Usable), Some(Usable));
    assert_eq!(on_day(&all, &card_first, 0), "card 1000");
    let no_card = facts(5_000, Some(Usable), None);
    assert_eq!(on_day(&no_card, &card_first, 0), "credit 1000");
}
