//! Events: as often and in whatever order they come.

use quittance::engine::webhook::{Handled, WebhookError};

use super::desk::Desk;
use crate::fakes::Fault;
use crate::fakes::paypal::SentEvent;
use crate::on_both;
use crate::support::House;

on_both!(
    bought_once_though_every_event_comes_five_times_in_any_order,
    an_event_that_cannot_be_handled_now_comes_again,
    an_event_about_something_unknown_is_kept,
    a_forged_event_is_not_taken,
    two_at_once_handle_an_event_once,
);

fn bought_once_though_every_event_comes_five_times_in_any_order(house: &House) {
    let desk = Desk::open(house);
    // Which of the two comes when: A approved, C completed.
    for (no, order) in (1..).zip(["AAAAACCCCC", "ACACACACAC", "CCCCCAAAAA", "CAACCACACA"]) {
        let (id, order_id) = desk.buy("acc-1", "50.00");
        desk.fake.approve(&order_id);
        let approved = desk.fake.take_events().remove(0);
        if order.starts_with('C') {
            // The money is taken; the answer is lost; the events overtake each other.
            desk.fake.faults().push(Fault::ErrorAfter);
            house.refuse(&["credit", "capture", &id]);
        } else {
            assert_eq!(desk.deliver(&approved).unwrap(), Handled::Done);
        }
        let completed = desk.fake.take_events().remove(0);
        assert_eq!(completed.kind, "PAYMENT.CAPTURE.COMPLETED");
        for which in order.chars() {
            let event: &SentEvent = if which == 'A' { &approved } else { &completed };
            desk.deliver(event).unwrap();
            assert_eq!(desk.deliver(event).unwrap(), Handled::Already);
        }
        assert_eq!(desk.purchase("acc-1", &id)["state"], "succeeded", "{order}");
        assert_eq!(desk.credit_minor("acc-1"), no * 5_000, "{order}");
        assert_eq!(desk.fake.captured_minor(), no * 5_000, "{order}");
    }
    let mut watch = house.watch();
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM ledger_entry WHERE movement = 'credit_bought'"),
        4
    );
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM outbox WHERE topic = 'credit_bought'"),
        4
    );
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM provider_event WHERE handled_at IS NOT NULL"),
        8
    );
    desk.assert_sound();
}

fn an_event_that_cannot_be_handled_now_comes_again(house: &House) {
    let desk = Desk::open(house);
    let (_, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    let event = desk.fake.take_events().remove(0);
    desk.fake.faults().push(Fault::ErrorAfter);
    let failed = desk.deliver(&event);
    assert!(
        matches!(failed, Err(WebhookError::Purchase(_))),
        "{failed:?}"
    );
    let mut watch = house.watch();
    let open =
        "SELECT COUNT(*) FROM provider_event WHERE handled_at IS NULL AND problem IS NOT NULL";
    assert_eq!(watch.count(open), 1);
    assert_eq!(desk.credit_minor("acc-1"), 0);
    assert_eq!(desk.deliver(&event).unwrap(), Handled::Done);
    assert_eq!(watch.count(open), 0);
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM provider_event WHERE problem IS NOT NULL"),
        0
    );
    assert_eq!(desk.credit_minor("acc-1"), 5_000);
    desk.assert_sound();
}

fn an_event_about_something_unknown_is_kept(house: &House) {
    let desk = Desk::open(house);
    desk.fake.tell_of_another();
    let event = desk.fake.take_events().remove(0);
    for _ in 0..2 {
        let kept = desk.deliver(&event).unwrap();
        let Handled::ForAPerson(problem) = kept else {
            panic!("{kept:?}");
        };
        assert!(problem.contains("belongs to no purchase"), "{problem}");
    }
    let mut watch = house.watch();
    assert_eq!(
        watch.count(
            "SELECT COUNT(*) FROM provider_event WHERE handled_at IS NULL AND problem LIKE '%belongs to no purchase'"
        ),
        1
    );
    desk.assert_sound();
}

fn a_forged_event_is_not_taken(house: &House) {
    let desk = Desk::open(house);
    let (_, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    let mut event = desk.fake.take_events().remove(0);
    event.body.push(b'\n');
    let forged = desk.deliver(&event);
    assert!(
        matches!(forged, Err(WebhookError::NotTheirs(_))),
        "{forged:?}"
    );
    assert_eq!(
        house.watch().count("SELECT COUNT(*) FROM provider_event"),
        0
    );
    assert_eq!(desk.fake.captured_minor(), 0);
    desk.assert_sound();
}

fn two_at_once_handle_an_event_once(house: &House) {
    let desk = Desk::open(house);
    let (_, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    let event = desk.fake.take_events().remove(0);
    let headers = event.header_map();
    let deliver = || desk.engine.handle_paypal_event(&headers, &event.body);
    let (first, second, third) = desk.run(async { tokio::join!(deliver(), deliver(), deliver()) });
    for outcome in [first, second, third] {
        assert!(!matches!(outcome.unwrap(), Handled::ForAPerson(_)));
    }
    assert_eq!(desk.moved("acc-1"), [("credit_bought".to_owned(), 5_000)]);
    assert_eq!(desk.fake.captured_minor(), 5_000);
    desk.assert_sound();
}
