//! What goes wrong between us and the provider: no money moves twice, and no
//! outcome is guessed.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{Shop, bill_one, charged, left_out};
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, Outcome};
use crate::on_both;
use crate::support::House;

on_both!(
    a_lost_answer_is_one_charge_and_found_by_asking_again,
    a_try_that_is_repeated_charges_once,
    after_a_day_it_is_looked_up_and_not_asked_again,
    what_never_arrived_is_charged_again_once_that_is_sure,
    what_processes_is_finished_later,
    a_provider_that_is_away_costs_nothing_and_no_step,
    any_sequence_of_faults_takes_no_more_than_is_due,
);

/// A house with a card on file and one invoice.
fn ready<'a>(house: &'a House, script: CardScript) -> (Shop<'a>, i64) {
    furnished(Shop::impatient(house, 60), script)
}

fn furnished(shop: Shop<'_>, script: CardScript) -> (Shop<'_>, i64) {
    let house = shop.house;
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", script);
    let total = bill_one(house);
    (shop, total)
}

fn reconcile(house: &House) -> Value {
    house.run(&["reconcile", "--json"]).json()
}

fn a_lost_answer_is_one_charge_and_found_by_asking_again(house: &House) {
    for fault in [
        Fault::HangAfter,
        Fault::BrokenOffAfter,
        Fault::MalformedAfter,
        Fault::ErrorAfter,
    ] {
        // The same house: each round is another month's story.
        let fresh = house.sibling();
        // Only what hangs is not waited for.
        let timeout_s = if fault == Fault::HangAfter { 3 } else { 60 };
        let shop = Shop::impatient(&fresh, timeout_s);
        let (shop, total) = furnished(shop, CardScript::succeeds());
        shop.stripe.faults().push(fault.clone());
        let answer = shop.collect(&[]);
        assert_eq!(charged(&answer), ["card unknown 1"], "{fault:?}");
        assert_eq!(shop.stripe.charged_in_all(), total, "{fault:?}");
        // Nobody guesses: it is in flight, and nothing else is tried.
        let again = shop.collect(&["--account", "acc-2"]);
        assert_eq!(left_out(&again["plan"]), ["in_flight 1"], "{fault:?}");
        let refused = fresh.refuse(&[
            "invoice",
            "write-off",
            "Q-2026-000001",
            "--by",
            "ada",
            "--reason",
            "x",
        ]);
        assert!(refused.stderr.contains("in flight"), "{refused:?}");
        let done = reconcile(&fresh);
        assert_eq!(
            done["payments"],
            json!([{"outcome": "paid", "payments": 1}]),
            "{fault:?}"
        );
        assert_eq!(shop.stripe.charged_in_all(), total, "{fault:?}");
        assert_eq!(shop.open_minor(), 0, "{fault:?}");
        assert_eq!(reconcile(&fresh)["payments"], json!([]));
        shop.check();
    }
}

fn a_try_that_is_repeated_charges_once(house: &House) {
    let shop = Shop::with(house, "tries = 4", "");
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    for fault in [Fault::TooMany, Fault::BrokenOffAfter, Fault::ErrorBefore] {
        shop.stripe.faults().push(fault);
    }
    assert_eq!(charged(&shop.collect(&[])), ["card paid 1"]);
    assert_eq!(shop.stripe.requests("POST /v1/payment_intents"), 4);
    assert_eq!(shop.stripe.charged_in_all(), total);
    shop.check();
}

fn after_a_day_it_is_looked_up_and_not_asked_again(house: &House) {
    let (shop, total) = ready(house, CardScript::succeeds());
    shop.stripe.faults().push(Fault::BrokenOffAfter);
    shop.collect(&[]);
    shop.on(4);
    // Asked again under a forgotten key, it would take the money twice.
    shop.stripe.forget_keys();
    let asked = shop.stripe.requests("POST /v1/payment_intents");
    let done = reconcile(house);
    assert_eq!(
        done["payments"],
        json!([{"outcome": "paid", "payments": 1}]),
        "{done}"
    );
    assert_eq!(shop.stripe.requests("POST /v1/payment_intents"), asked);
    assert_eq!(shop.stripe.charged_in_all(), total);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn what_never_arrived_is_charged_again_once_that_is_sure(house: &House) {
    let (shop, total) = ready(house, CardScript::succeeds());
    shop.stripe.faults().push(Fault::ErrorBefore);
    assert_eq!(charged(&shop.collect(&[])), ["card unknown 1"]);
    assert_eq!(shop.stripe.charged_in_all(), 0);
    shop.on(4);
    shop.stripe.forget_keys();
    let done = reconcile(house);
    assert_eq!(
        done["payments"],
        json!([{"outcome": "not_sent", "payments": 1}]),
        "{done}"
    );
    assert_eq!(shop.stripe.charged_in_all(), 0);
    // It asked nobody, so it was no step of the ladder.
    assert_eq!(charged(&shop.collect(&[])), ["card paid 1"]);
    assert_eq!(shop.stripe.charged_in_all(), total);
    shop.check();
}

fn what_processes_is_finished_later(house: &House) {
    let (shop, total) = ready(house, CardScript::processing());
    assert_eq!(charged(&shop.collect(&[])), ["card pending 1"]);
    let waits = reconcile(house);
    assert_eq!(
        waits["payments"],
        json!([{"outcome": "pending", "payments": 1}]),
        "{waits}"
    );
    let intent = shop.payments()[0]["provider_reference"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.stripe.settle(&intent, &Outcome::Succeeds);
    let done = reconcile(house);
    assert_eq!(
        done["payments"],
        json!([{"outcome": "paid", "payments": 1}]),
        "{done}"
    );
    assert_eq!(shop.stripe.charged_in_all(), total);
    shop.check();
}

fn a_provider_that_is_away_costs_nothing_and_no_step(house: &House) {
    let (shop, total) = ready(house, CardScript::succeeds());
    shop.stripe.faults().push(Fault::TooMany);
    assert_eq!(charged(&shop.collect(&[])), ["card not_sent 1"]);
    assert_eq!(charged(&shop.collect(&[])), ["card paid 1"]);
    assert_eq!(shop.stripe.charged_in_all(), total);
    shop.check();
}

fn any_fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(Fault::ErrorBefore)),
        1 => Just(Some(Fault::ErrorAfter)),
        1 => Just(Some(Fault::BrokenOffAfter)),
        1 => Just(Some(Fault::MalformedAfter)),
        1 => Just(Some(Fault::TooMany)),
        1 => Just(Some(Fault::Decline("insufficient_funds"))),
    ]
}

/// What is done after a fault.
#[derive(Debug, Clone, Copy)]
enum Move {
    Collect,
    Reconcile,
    NextDay,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        Just(Move::Collect),
        Just(Move::Reconcile),
        Just(Move::NextDay)
    ]
}

fn any_sequence_of_faults_takes_no_more_than_is_due(house: &House) {
    // Each is some twenty processes, on PostgreSQL with a server of its own.
    let config = Config {
        cases: if house.is_sqlite() { 6 } else { 2 },
        failure_persistence: None,
        max_shrink_iters: 20,
        ..Config::default()
    };
    let story = prop::collection::vec((any_fault(), any_move()), 4..10);
    TestRunner::new(config)
        .run(&story, |moves| {
            let fresh = house.sibling();
            let (shop, total) = ready(&fresh, CardScript::succeeds());
            let mut day = 2;
            for (fault, next) in moves {
                shop.stripe.faults().push(fault);
                match next {
                    Move::Collect => {
                        shop.collect(&["--account", "acc-2"]);
                    }
                    Move::Reconcile => {
                        reconcile(&fresh);
                    }
                    Move::NextDay => {
                        day += 1;
                        shop.on(day);
                        shop.stripe.forget_keys();
                    }
                }
                let taken = shop.stripe.charged_in_all();
                prop_assert!(taken == 0 || taken == total, "{taken} of {total}");
            }
            // Whatever happened, asking long enough ends it.
            shop.stripe.faults().clear();
            day += 2;
            shop.on(day);
            reconcile(&fresh);
            shop.collect(&["--account", "acc-2"]);
            prop_assert_eq!(shop.stripe.charged_in_all(), total);
            prop_assert_eq!(shop.open_minor(), 0);
            let paid = shop
                .payments()
                .iter()
                .filter(|payment| payment["state"] == "succeeded")
                .count();
            prop_assert_eq!(paid, 1);
            shop.check();
            Ok(())
        })
        .unwrap();
}
