//! Money that its payer, or PayPal, takes back.

use quittance::engine::webhook::Handled;

use super::desk::Desk;
use crate::on_both;
use crate::support::House;

on_both!(
    a_dispute_is_booked_once_and_may_be_won,
    a_lost_dispute_is_not_taken_twice,
    a_reversal_takes_the_credit_back_once,
    a_dispute_of_a_capture_that_was_not_told_yet,
    an_unclear_end_is_for_a_person,
    what_is_disputed_is_not_paid_back_too,
    what_did_not_arrive_is_disputed_before_that_is_told,
    what_was_won_is_disputed_again_before_that_is_told,
    two_disputes_of_one_purchase_are_two,
    a_reversal_and_its_dispute_are_one_in_any_order,
    what_was_missed_is_read_again,
);

#[track_caller]
fn kept(desk: &Desk<'_>) -> String {
    let mut events = desk.fake.take_events();
    let event = events.pop().unwrap();
    match desk.deliver(&event).unwrap() {
        Handled::ForAPerson(problem) => problem,
        other => panic!("{other:?}"),
    }
}

fn a_dispute_is_booked_once_and_may_be_won(house: &House) {
    let desk = Desk::open(house);
    house.run(&["run", "2026-10"]);
    let total = house.invoices("2026-10")[0]["total_minor"]
        .as_i64()
        .unwrap();
    let id = desk.bought("acc-1", "50.00");
    let left = if total <= 5_000 { 5_000 - total } else { 5_000 };
    assert_eq!(desk.credit_minor("acc-1"), left);
    desk.deliver_all();
    let capture = desk.fake.capture();
    for _ in 0..2 {
        let dispute = desk.fake.dispute(&capture, 5_000);
        let opened = desk.fake.take_events();
        for _ in 0..3 {
            desk.deliver(&opened[0]).unwrap();
        }
        // Below zero where it was used: what it paid stays paid.
        assert_eq!(desk.credit_minor("acc-1"), left - 5_000);
        assert_eq!(desk.purchase("acc-1", &id)["state"], "returned");
        house.run(&["verify"]);
        let answer = house.refuse(&["credit", "refund", &id, "1", "--reason", "x", "--by", "ada"]);
        assert!(
            answer.stderr.contains("only one that succeeded"),
            "{answer:?}"
        );
        desk.fake.resolve(&dispute, "RESOLVED_SELLER_FAVOUR");
        let resolved = desk.fake.take_events();
        for _ in 0..3 {
            desk.deliver(&resolved[0]).unwrap();
        }
        assert_eq!(desk.credit_minor("acc-1"), left);
        assert_eq!(desk.purchase("acc-1", &id)["state"], "succeeded");
        // The first event, told anew and late.
        desk.fake.tell_again("CUSTOMER.DISPUTE.CREATED");
        desk.deliver_all();
        assert_eq!(desk.credit_minor("acc-1"), left);
        house.run(&["verify"]);
    }
    let mut watch = house.watch();
    for (topic, told) in [("chargeback_opened", 2), ("chargeback_won", 2)] {
        let query = match topic {
            "chargeback_opened" => "SELECT COUNT(*) FROM outbox WHERE topic = 'chargeback_opened'",
            _ => "SELECT COUNT(*) FROM outbox WHERE topic = 'chargeback_won'",
        };
        assert_eq!(watch.count(query), told, "{topic}");
    }
    desk.assert_sound();
}

fn a_lost_dispute_is_not_taken_twice(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let capture = desk.fake.capture();
    let dispute = desk.fake.dispute(&capture, 2_000);
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    // It is lost: PayPal pays the customer, and tells that by a refund too.
    desk.fake.resolve(&dispute, "RESOLVED_BUYER_FAVOUR");
    desk.fake
        .give_back_by_hand(&capture, 2_000, "PAYMENT.CAPTURE.REVERSED");
    desk.fake.tell_again("PAYMENT.CAPTURE.REFUNDED");
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    assert_eq!(desk.purchase("acc-1", &id)["state"], "returned");
    desk.assert_sound();
}

fn a_reversal_takes_the_credit_back_once(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    desk.fake
        .give_back_by_hand(&desk.fake.capture(), 5_000, "PAYMENT.CAPTURE.REVERSED");
    let events = desk.fake.take_events();
    for _ in 0..3 {
        desk.deliver(&events[0]).unwrap();
    }
    desk.fake.tell_again("PAYMENT.CAPTURE.REVERSED");
    desk.deliver_all();
    assert_eq!(
        desk.moved("acc-1"),
        [
            ("credit_bought".to_owned(), 5_000),
            ("chargeback_opened".to_owned(), -5_000)
        ]
    );
    assert_eq!(desk.purchase("acc-1", &id)["state"], "returned");
    desk.assert_sound();
}

fn a_dispute_of_a_capture_that_was_not_told_yet(house: &House) {
    let desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    desk.fake.faults().push(crate::fakes::Fault::ErrorAfter);
    house.refuse(&["credit", "capture", &id]);
    desk.fake.dispute(&desk.fake.capture(), 5_000);
    // The last event comes first.
    let mut events = desk.fake.take_events();
    events.reverse();
    for event in &events {
        assert_eq!(
            desk.deliver(event).unwrap(),
            Handled::Done,
            "{}",
            event.kind
        );
    }
    assert_eq!(
        desk.moved("acc-1"),
        [
            ("credit_bought".to_owned(), 5_000),
            ("chargeback_opened".to_owned(), -5_000)
        ]
    );
    desk.assert_sound();
}

fn an_unclear_end_is_for_a_person(house: &House) {
    let desk = Desk::open(house);
    desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let capture = desk.fake.capture();
    let dispute = desk.fake.dispute(&capture, 5_000);
    desk.deliver_all();
    desk.fake.resolve(&dispute, "RESOLVED_WITH_PAYOUT");
    assert!(kept(&desk).contains("resolved as RESOLVED_WITH_PAYOUT"));
    assert_eq!(desk.credit_minor("acc-1"), 0);
    // Another dispute, while the first one has all of it.
    desk.fake.dispute(&capture, 1_000);
    assert!(kept(&desk).contains("1000 is taken back of a payment of which 0 is left"));
    let more = desk.bought("acc-2", "50.00");
    let listed = desk.purchase("acc-2", &more);
    desk.fake
        .dispute(listed["capture"].as_str().unwrap(), 5_001);
    assert!(kept(&desk).contains("5001 is taken back of a payment of which 5000 is left"));
    assert_eq!(desk.credit_minor("acc-2"), 5_000);
    assert_eq!(
        house
            .watch()
            .count("SELECT COUNT(*) FROM provider_event WHERE problem IS NOT NULL"),
        3
    );
    desk.assert_sound();
}

fn what_is_disputed_is_not_paid_back_too(house: &House) {
    let mut desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    // A refund that never arrived; then the customer asks its bank.
    desk.fake.faults().push(crate::fakes::Fault::ErrorBefore);
    house.refuse(&[
        "credit", "refund", &id, "50", "--reason", "x", "--by", "ada",
    ]);
    desk.fake.dispute(&desk.fake.capture(), 5_000);
    desk.deliver_all();
    assert_eq!(desk.reconcile().finished, 0);
    desk.later(5);
    assert_eq!(desk.reconcile().finished, 1);
    assert_eq!(desk.fake.refunded_minor(), 0);
    assert_eq!(desk.credit_minor("acc-1"), 0);
    let refunds = &desk.purchase("acc-1", &id)["refunds"];
    assert_eq!(refunds[0]["decline"], "not_found", "{refunds}");
    desk.assert_sound();
}

fn what_did_not_arrive_is_disputed_before_that_is_told(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    house.run(&[
        "credit", "refund", &id, "50", "--reason", "x", "--by", "ada",
    ]);
    desk.deliver_all();
    assert!(desk.fake.overturn_refund("COMPLETED", "FAILED"));
    let late = desk.fake.take_events();
    desk.fake.dispute(&desk.fake.capture(), 5_000);
    desk.deliver_all();
    let stands = || {
        assert_eq!(listed(&desk, "acc-1", &id), ["open 5000"]);
        assert_eq!(desk.credit_minor("acc-1"), 0);
        let refunds = &desk.purchase("acc-1", &id)["refunds"];
        assert_eq!(refunds[0]["state"], "returned", "{refunds}");
    };
    stands();
    for event in &late {
        desk.deliver(event).unwrap();
    }
    stands();
    desk.assert_sound();
}

fn what_was_won_is_disputed_again_before_that_is_told(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let capture = desk.fake.capture();
    let first = desk.fake.dispute(&capture, 5_000);
    desk.deliver_all();
    desk.fake.resolve(&first, "RESOLVED_SELLER_FAVOUR");
    let late = desk.fake.take_events();
    desk.fake.dispute(&capture, 4_000);
    desk.deliver_all();
    let stands = || {
        assert_eq!(listed(&desk, "acc-1", &id), ["won 5000", "open 4000"]);
        assert_eq!(desk.credit_minor("acc-1"), 1_000);
    };
    stands();
    for event in &late {
        desk.deliver(event).unwrap();
    }
    stands();
    desk.assert_sound();
}

/// What the disputes of a purchase come to, as `state amount`.
fn listed(desk: &Desk<'_>, account: &str, purchase: &str) -> Vec<String> {
    let shown = desk.purchase(account, purchase);
    let disputes = shown["disputes"].as_array().cloned().unwrap_or_default();
    let one = |dispute: &serde_json::Value| {
        let state = dispute["state"].as_str().unwrap();
        format!("{state} {}", dispute["amount_minor"])
    };
    disputes.iter().map(one).collect()
}

fn two_disputes_of_one_purchase_are_two(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let capture = desk.fake.capture();
    // Of the same amount: only their names tell them apart.
    let first = desk.fake.dispute(&capture, 2_000);
    let second = desk.fake.dispute(&capture, 2_000);
    let opened = desk.fake.take_events();
    for event in opened.iter().chain(&opened) {
        desk.deliver(event).unwrap();
    }
    assert_eq!(desk.credit_minor("acc-1"), 1_000);
    assert_eq!(listed(&desk, "acc-1", &id), ["open 2000", "open 2000"]);
    desk.fake.resolve(&second, "RESOLVED_SELLER_FAVOUR");
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    assert_eq!(desk.purchase("acc-1", &id)["state"], "returned");
    desk.fake.resolve(&first, "RESOLVED_BUYER_FAVOUR");
    desk.deliver_all();
    assert_eq!(listed(&desk, "acc-1", &id), ["lost 2000", "won 2000"]);
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    assert_eq!(desk.purchase("acc-1", &id)["state"], "returned");
    desk.assert_sound();
}

fn a_reversal_and_its_dispute_are_one_in_any_order(house: &House) {
    let desk = Desk::open(house);
    for (no, reversed_first) in [(1, true), (2, false)] {
        let account = format!("acc-{no}");
        let id = desk.bought(&account, "50.00");
        desk.deliver_all();
        let capture = desk.purchase(&account, &id)["capture"].clone();
        let capture = capture.as_str().unwrap();
        let dispute = desk.fake.dispute(capture, 5_000);
        desk.fake
            .give_back_by_hand(capture, 5_000, "PAYMENT.CAPTURE.REVERSED");
        let mut events = desk.fake.take_events();
        if reversed_first {
            events.reverse();
        }
        for event in events.iter().chain(&events) {
            desk.deliver(event).unwrap();
        }
        assert_eq!(desk.credit_minor(&account), 0, "{reversed_first}");
        let shown = desk.purchase(&account, &id);
        assert_eq!(shown["disputes"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(shown["disputes"][0]["reference"], dispute.as_str());
        desk.fake.resolve(&dispute, "RESOLVED_SELLER_FAVOUR");
        desk.deliver_all();
        assert_eq!(desk.credit_minor(&account), 5_000, "{reversed_first}");
        assert_eq!(desk.purchase(&account, &id)["state"], "succeeded");
        desk.assert_sound();
    }
}

fn what_was_missed_is_read_again(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let dispute = desk.fake.dispute(&desk.fake.capture(), 5_000);
    desk.deliver_all();
    desk.fake.resolve(&dispute, "RESOLVED_SELLER_FAVOUR");
    // Its event never comes.
    desk.fake.take_events();
    let answer = house.run(&["reconcile", "--json"]).json();
    assert_eq!(answer["disputes"], 1, "{answer}");
    assert_eq!(listed(&desk, "acc-1", &id), ["won 5000"]);
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    let answer = house.run(&["reconcile", "--json"]).json();
    assert_eq!(answer["disputes"], 0, "{answer}");
    desk.assert_sound();
}
