//! Purchases that come to nothing, and orders whose creation is not known.

use serde_json::Value;

use super::desk::Desk;
use crate::fakes::Fault;
use crate::on_both;
use crate::support::House;

on_both!(
    an_order_that_is_gone_closes_its_purchase,
    an_order_that_nobody_approves_lapses,
    a_lost_creation_is_asked_again_under_its_key,
    an_old_key_is_not_sent_again,
    what_was_not_sent_is_withdrawn,
);

fn an_order_that_is_gone_closes_its_purchase(house: &House) {
    let desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.lapse(&order);
    let done = desk.reconcile();
    assert_eq!((done.asked, done.finished), (1, 1), "{done:?}");
    let purchase = desk.purchase("acc-1", &id);
    assert_eq!(purchase["state"], "declined", "{purchase}");
    assert_eq!(purchase["decline"], "not_found", "{purchase}");
    assert_eq!(desk.reconcile().asked, 0);
    // Nobody waits for word of it.
    assert_eq!(house.watch().count("SELECT COUNT(*) FROM outbox"), 0);
    desk.assert_sound();
}

fn an_order_that_nobody_approves_lapses(house: &House) {
    let mut desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.later(71);
    assert_eq!(desk.reconcile().finished, 0);
    desk.later(72);
    assert_eq!(desk.reconcile().finished, 1);
    assert_eq!(desk.purchase("acc-1", &id)["decline"], "canceled");
    // The customer comes back after all, too late.
    desk.fake.approve(&order);
    desk.deliver_all();
    assert_eq!(desk.capture(&id)["state"], "declined");
    assert_eq!(desk.fake.captured_minor(), 0);
    // Approved in time, it is captured however late that is noticed.
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    desk.fake.forget_keys();
    desk.later(100);
    assert_eq!(desk.reconcile().finished, 1);
    assert_eq!(desk.purchase("acc-1", &id)["state"], "succeeded");
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    assert_eq!(desk.fake.captured_minor(), 5_000);
    desk.assert_sound();
}

/// Begins a purchase whose order's creation fares so; its id.
fn bought_badly(desk: &Desk<'_>, fault: Fault, state: &str) -> String {
    desk.fake.faults().push(fault);
    let before = desk.purchases("acc-1");
    let answer = desk.house.refuse(&["credit", "buy", "acc-1", "50.00"]);
    assert!(answer.stderr.starts_with("error: PayPal"), "{answer:?}");
    let purchases = desk.purchases("acc-1");
    // Of one instant, ids have no order.
    let is_new = |purchase: &&Value| before.iter().all(|old| old["id"] != purchase["id"]);
    let last = purchases.iter().find(is_new).unwrap();
    assert_eq!(last["state"], state, "{last}");
    let goes_on = format!("purchase {} is recorded", last["id"].as_str().unwrap());
    assert_eq!(
        answer.stderr.contains(&goes_on),
        state == "unknown",
        "{answer:?}"
    );
    last["id"].as_str().unwrap().to_owned()
}

fn a_lost_creation_is_asked_again_under_its_key(house: &House) {
    let mut desk = Desk::open(house);
    for fault in [Fault::ErrorAfter, Fault::HangAfter, Fault::MalformedAfter] {
        let id = bought_badly(&desk, fault.clone(), "unknown");
        let before = desk.fake.orders();
        desk.later(4);
        let done = desk.reconcile();
        assert!(done.unfinished.is_empty(), "{done:?}");
        assert_eq!(desk.fake.orders(), before, "{fault:?}");
        let purchase = desk.purchase("acc-1", &id);
        assert_eq!(purchase["state"], "pending", "{purchase}");
        assert_eq!(purchase["order"], *before.last().unwrap(), "{purchase}");
        // Whoever asks for it is told where to approve it.
        let told = desk.capture(&id);
        assert!(told["approve_url"].is_string(), "{told}");
        desk.later(0);
    }
    desk.assert_sound();
}

fn an_old_key_is_not_sent_again(house: &House) {
    let mut desk = Desk::open(house);
    let id = bought_badly(&desk, Fault::ErrorAfter, "unknown");
    desk.fake.forget_keys();
    desk.later(5);
    let done = desk.reconcile();
    assert_eq!((done.asked, done.finished), (1, 1), "{done:?}");
    assert_eq!(desk.fake.orders().len(), 1);
    assert_eq!(desk.purchase("acc-1", &id)["decline"], "not_found");
    desk.assert_sound();
}

fn what_was_not_sent_is_withdrawn(house: &House) {
    let desk = Desk::open(house);
    let id = bought_badly(&desk, Fault::TooMany, "declined");
    assert_eq!(desk.purchase("acc-1", &id)["decline"], "withdrawn");
    let id = bought_badly(
        &desk,
        Fault::Decline("PAYEE_ACCOUNT_RESTRICTED"),
        "declined",
    );
    assert_eq!(
        desk.purchase("acc-1", &id)["decline"],
        "PAYEE_ACCOUNT_RESTRICTED"
    );
    assert_eq!(desk.reconcile().asked, 0);
    assert!(desk.fake.orders().is_empty());
    desk.assert_sound();
}
