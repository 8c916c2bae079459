//! Unused credit that is paid back.

use serde_json::Value;

use super::desk::Desk;
use crate::fakes::Fault;
use crate::on_both;
use crate::support::House;

on_both!(
    unused_credit_alone_is_paid_back,
    credit_on_its_way_back_pays_nothing,
    a_lost_answer_pays_back_once,
    an_old_refund_is_looked_for_and_not_sent,
    a_declined_refund_gives_the_credit_free_again,
    what_is_refunded_at_paypal_is_booked_once,
    two_processes_at_once_pay_back_no_more_than_there_is,
    a_refund_that_turns_up_after_it_was_declined_is_booked,
    a_refund_that_did_not_arrive_gives_the_credit_back,
    what_was_given_back_at_paypal_may_come_back,
);

const UNUSED: [&str; 4] = ["--reason", "leaves", "--by", "ada"];

fn args<'a>(purchase: &'a str, amount: &'a str) -> Vec<&'a str> {
    let mut all = vec!["credit", "refund", purchase, amount, "--json"];
    all.extend(UNUSED);
    all
}

#[track_caller]
fn refund(house: &House, purchase: &str, amount: &str) -> Value {
    house.run(&args(purchase, amount)).json()
}

#[track_caller]
fn refused(house: &House, purchase: &str, amount: &str, said: &str) {
    let answer = house.refuse(&args(purchase, amount));
    assert!(answer.stderr.contains(said), "{said}: {answer:?}");
}

fn unused_credit_alone_is_paid_back(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    let other = desk.bought("acc-1", "20.00");
    let told = refund(house, &id, "30.00");
    assert_eq!(told["state"], "succeeded", "{told}");
    assert_eq!(told["by"], "ada", "{told}");
    assert_eq!(desk.credit_minor("acc-1"), 4_000);
    // Of this purchase 20 are left, of the credit 40.
    refused(
        house,
        &id,
        "20.01",
        "of the payment, 20.00 EUR is left to be paid back",
    );
    assert_eq!(refund(house, &other, "20.00")["state"], "succeeded");
    assert_eq!(refund(house, &id, "20.00")["state"], "succeeded");
    refused(house, &id, "0.01", "of the payment, 0.00 EUR is left");
    assert_eq!(desk.credit_minor("acc-1"), 0);
    assert_eq!(desk.fake.refunded_minor(), 7_000);
    // What an invoice was paid by is used.
    house.run(&["run", "2026-10"]);
    let total = house.invoices("2026-10")[0]["total_minor"]
        .as_i64()
        .unwrap();
    assert!(total > 500, "{total}");
    let exact = format!("{}.{:02}", (total + 300) / 100, (total + 300) % 100);
    let third = desk.bought("acc-1", &exact);
    assert_eq!(desk.credit_minor("acc-1"), 300);
    refused(
        house,
        &third,
        "3.01",
        "of the account's credit, 3.00 EUR is unused",
    );
    refund(house, &third, "3.00");
    for (amount, said) in [("0", "must be above 0"), ("1.001", "EUR has 2 decimals")] {
        refused(house, &third, amount, said);
    }
    let (waiting, _) = desk.buy("acc-1", "50.00");
    refused(
        house,
        &waiting,
        "1",
        "only one that succeeded can be paid back",
    );
    refused(
        house,
        "01a0c4506c00000000000000000000aa",
        "1",
        "there is no purchase",
    );
    let mut watch = house.watch();
    let audited = "SELECT COUNT(*) FROM audit_entry WHERE action = 'refund' AND actor = 'ada' AND subject IN (SELECT id FROM refund)";
    assert_eq!(watch.count(audited), 4);
    assert_eq!(
        desk.purchase("acc-1", &id)["refunds"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let shown = house.run(&["credit", "purchases", "acc-1"]);
    assert!(shown.stdout.contains("-30.00 EUR"), "{shown:?}");
    desk.assert_sound();
}

fn credit_on_its_way_back_pays_nothing(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "200.00");
    desk.fake.next_refund("PENDING");
    assert_eq!(refund(house, &id, "195.00")["state"], "pending");
    assert_eq!(desk.credit_minor("acc-1"), 500);
    refused(house, &id, "5.01", "5.00 EUR is");
    house.run(&["run", "2026-10"]);
    house.run(&["collect", "--yes"]);
    let paid = house
        .run(&["payment", "list", "--account", "acc-1", "--json"])
        .json();
    assert_eq!(paid.as_array().unwrap().len(), 0, "{paid}");
    house.run(&["verify"]);
    // It fails: the credit is there again, and pays.
    desk.fake.settle_refund("FAILED");
    let done = desk.reconcile();
    assert_eq!((done.asked, done.finished), (1, 1), "{done:?}");
    assert_eq!(desk.credit_minor("acc-1"), 20_000);
    desk.fake.next_refund("PENDING");
    refund(house, &id, "1.00");
    desk.fake.settle_refund("COMPLETED");
    assert_eq!(desk.reconcile().finished, 1);
    assert_eq!(desk.credit_minor("acc-1"), 19_900);
    house.run(&["collect", "--yes"]);
    assert!(desk.credit_minor("acc-1") < 19_900);
    desk.assert_sound();
}

fn a_lost_answer_pays_back_once(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "100.00");
    for (no, (fault, state)) in (1..).zip([
        (Fault::HangAfter, "unknown"),
        (Fault::ErrorAfter, "unknown"),
        (Fault::ErrorBefore, "unknown"),
        (Fault::MalformedAfter, "unknown"),
        // Whoever goes on with it has to look for it first.
        (Fault::TooMany, "submitted"),
    ]) {
        desk.fake.faults().push(fault.clone());
        refused(house, &id, "10.00", "is recorded, and reconciling goes on");
        let purchase = desk.purchase("acc-1", &id);
        let refunds = purchase["refunds"].as_array().unwrap();
        let open: Vec<&Value> = refunds
            .iter()
            .filter(|refund| refund["state"] != "succeeded")
            .collect();
        assert_eq!(open.len(), 1, "{fault:?} {purchase}");
        assert_eq!(open[0]["state"], state, "{fault:?}");
        // It is not there any more, whatever became of it.
        assert_eq!(desk.credit_minor("acc-1"), 10_000 - no * 1_000, "{fault:?}");
        // PayPal tells of it before the house asks.
        if fault == Fault::ErrorAfter {
            desk.deliver_all();
        }
        desk.reconcile();
        assert_eq!(desk.reconcile().asked, 0, "{fault:?}");
        assert_eq!(desk.fake.refunded_minor(), no * 1_000, "{fault:?}");
        assert_eq!(desk.credit_minor("acc-1"), 10_000 - no * 1_000, "{fault:?}");
    }
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    desk.assert_sound();
}

fn an_old_refund_is_looked_for_and_not_sent(house: &House) {
    let mut desk = Desk::open(house);
    let id = desk.bought("acc-1", "100.00");
    for (fault, state, left) in [
        (Fault::ErrorAfter, "succeeded", 9_000),
        (Fault::ErrorBefore, "declined", 9_000),
    ] {
        desk.fake.faults().push(fault.clone());
        refused(house, &id, "10.00", "PayPal");
        desk.fake.forget_keys();
        desk.later(5);
        let sent = desk.fake.asked("post /v2/payments/captures");
        assert_eq!(desk.reconcile().finished, 1, "{fault:?}");
        assert_eq!(
            desk.fake.asked("post /v2/payments/captures"),
            sent,
            "{fault:?}"
        );
        let purchase = desk.purchase("acc-1", &id);
        let refunds = purchase["refunds"].as_array().unwrap();
        let is_so = |refund: &&Value| refund["state"] == state;
        assert!(
            refunds.iter().any(|refund| is_so(&refund)),
            "{fault:?} {purchase}"
        );
        assert_eq!(desk.credit_minor("acc-1"), left, "{fault:?}");
        desk.later(0);
    }
    assert_eq!(desk.fake.refunded_minor(), 1_000);
    desk.assert_sound();
}

fn a_declined_refund_gives_the_credit_free_again(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.fake
        .faults()
        .push(Fault::Decline("REFUND_TIME_LIMIT_EXCEEDED"));
    refused(
        house,
        &id,
        "50.00",
        "nothing was given back: REFUND_TIME_LIMIT_EXCEEDED",
    );
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    desk.fake
        .faults()
        .push(Fault::Decline("REFUND_NOT_ALLOWED"));
    refused(house, &id, "50.00", "REFUND_NOT_ALLOWED");
    assert_eq!(refund(house, &id, "50.00")["state"], "succeeded");
    assert_eq!(desk.fake.refunded_minor(), 5_000);
    assert_eq!(desk.credit_minor("acc-1"), 0);
    desk.assert_sound();
}

fn what_is_refunded_at_paypal_is_booked_once(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let capture = desk.fake.capture();
    let refunded = "PAYMENT.CAPTURE.REFUNDED";
    desk.fake.give_back_by_hand(&capture, 1_000, refunded);
    desk.fake.give_back_by_hand(&capture, 1_000, refunded);
    let events = desk.fake.take_events();
    for event in events.iter().rev().chain(&events) {
        desk.deliver(event).unwrap();
    }
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    // The same refund, told by another event.
    desk.fake.tell_again(refunded);
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    refused(house, &id, "30.01", "of the payment, 30.00 EUR is left");
    // What was used is taken from what comes.
    house.run(&["run", "2026-10"]);
    house.run(&["collect", "--yes"]);
    desk.fake.give_back_by_hand(&capture, 3_000, refunded);
    desk.deliver_all();
    let refunds = desk.purchase("acc-1", &id)["refunds"].clone();
    assert_eq!(refunds.as_array().unwrap().len(), 3, "{refunds}");
    assert_eq!(refunds[0]["by"], "PayPal", "{refunds}");
    assert_eq!(desk.fake.refunded_minor(), 5_000);
    desk.assert_sound();
}

fn two_processes_at_once_pay_back_no_more_than_there_is(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    for _ in 0..3 {
        desk.fake
            .faults()
            .push(Fault::Slow(std::time::Duration::from_millis(150)));
    }
    let all = [(); 3].map(|()| house.spawn(&args(&id, "20.00")));
    let mut paid = 0;
    for child in all {
        let output = child.wait_with_output().unwrap();
        paid += u32::from(output.status.success());
    }
    assert_eq!(paid, 2);
    assert_eq!(desk.fake.refunded_minor(), 4_000);
    assert_eq!(desk.credit_minor("acc-1"), 1_000);
    desk.assert_sound();
}

/// A refund of 20.00 that PayPal declined, as far as the house knows.
fn declined(desk: &Desk<'_>, id: &str) {
    desk.fake.next_refund("PENDING");
    refund(desk.house, id, "20.00");
    desk.fake.settle_refund("FAILED");
    assert_eq!(desk.reconcile().finished, 1);
    desk.fake.take_events();
}

fn a_refund_that_turns_up_after_it_was_declined_is_booked(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    desk.deliver_all();
    declined(&desk, &id);
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    // PayPal gave it back after all: once, however often that is told.
    assert!(desk.fake.overturn_refund("FAILED", "COMPLETED"));
    let told = desk.fake.take_events();
    for _ in 0..3 {
        desk.deliver(&told[0]).unwrap();
    }
    desk.fake.tell_again("PAYMENT.CAPTURE.REFUNDED");
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 3_000);
    let refunds = desk.purchase("acc-1", &id)["refunds"].clone();
    assert_eq!(refunds[0]["state"], "succeeded", "{refunds}");
    refused(house, &id, "30.01", "30.00 EUR is left");
    house.run(&["verify"]);
    // Spent meanwhile, the credit falls below zero: the customer has it all.
    let other = desk.bought("acc-2", "20.00");
    desk.deliver_all();
    declined(&desk, &other);
    house.run(&["run", "2026-10"]);
    house.run(&["collect", "--yes"]);
    let left = desk.credit_minor("acc-2");
    assert!((0..2_000).contains(&left), "{left}");
    assert!(desk.fake.overturn_refund("FAILED", "COMPLETED"));
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-2"), left - 2_000);
    assert_eq!(desk.fake.refunded_minor(), 4_000);
    let told = "SELECT COUNT(*) FROM outbox WHERE topic = 'refunded'";
    assert_eq!(house.watch().count(told), 2);
    // Pending again is on its way again.
    let third = desk.bought("acc-3", "50.00");
    desk.deliver_all();
    declined(&desk, &third);
    assert!(desk.fake.overturn_refund("FAILED", "PENDING"));
    let before = desk.credit_minor("acc-3");
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-3"), before - 2_000);
    desk.fake.settle_refund("COMPLETED");
    assert_eq!(desk.reconcile().finished, 1);
    assert_eq!(desk.credit_minor("acc-3"), before - 2_000);
    desk.assert_sound();
}

fn a_refund_that_did_not_arrive_gives_the_credit_back(house: &House) {
    let desk = Desk::open(house);
    let id = desk.bought("acc-1", "50.00");
    assert_eq!(refund(house, &id, "20.00")["state"], "succeeded");
    desk.fake.take_events();
    assert!(desk.fake.overturn_refund("COMPLETED", "FAILED"));
    let told = desk.fake.take_events();
    for _ in 0..3 {
        desk.deliver(&told[0]).unwrap();
    }
    let refunds = desk.purchase("acc-1", &id)["refunds"].clone();
    assert_eq!(refunds[0]["state"], "returned", "{refunds}");
    assert_eq!(
        desk.moved("acc-1"),
        [
            ("credit_bought".to_owned(), 5_000),
            ("credit_paid_back".to_owned(), -2_000),
            ("credit_pay_back_failed".to_owned(), 2_000),
        ]
    );
    let told = "SELECT COUNT(*) FROM outbox WHERE topic = 'refund_failed'";
    assert_eq!(house.watch().count(told), 1);
    assert_eq!(refund(house, &id, "50.00")["state"], "succeeded");
    desk.assert_sound();
}

fn what_was_given_back_at_paypal_may_come_back(house: &House) {
    let desk = Desk::open(house);
    desk.bought("acc-1", "50.00");
    desk.deliver_all();
    let refunded = "PAYMENT.CAPTURE.REFUNDED";
    let capture = desk.fake.capture();
    desk.fake.give_back_by_hand(&capture, 1_000, refunded);
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 4_000);
    assert!(desk.fake.overturn_refund("COMPLETED", "FAILED"));
    desk.deliver_all();
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    desk.assert_sound();
}
