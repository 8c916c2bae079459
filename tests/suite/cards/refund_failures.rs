//! Refunds that turn out otherwise than they were recorded.

use serde_json::{Value, json};

use super::Shop;
use super::events::{Listening, events};
use super::refunds::{credit_minor, given_back, ledger_minor, paid, paid_beyond, refund, refunds};
use crate::collect::major;
use crate::fakes::Fault;
use crate::fakes::stripe::CardScript;
use crate::on_both;
use crate::support::House;

on_both!(
    goodwill_that_did_not_arrive_is_undone,
    a_reopened_invoice_is_paid_again_by_what_did_not_arrive,
    what_did_not_arrive_is_credit_where_the_invoice_was_paid_otherwise,
    what_did_not_arrive_takes_a_write_off_back,
    credit_that_did_not_arrive_is_there_again,
    a_refund_that_turns_up_after_a_day_is_booked,
    a_refund_made_twice_waits_for_a_person,
    an_answer_that_is_older_than_what_is_recorded_is_read_again,
    a_dispute_that_is_told_before_its_refund_failed_is_booked,
);

/// The last refund of a payment, as Stripe calls it, fails; its events.
fn fail(shop: &Shop<'_>, id: &str) -> Vec<Value> {
    let all = refunds(shop.house, id);
    let last = all.last().unwrap()["reference"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.stripe.take_events();
    shop.stripe.fail_refund(&last);
    shop.stripe.take_events()
}

/// Delivers events, backwards, and all of them twice.
fn tell(house: &House, told: &[Value]) {
    let served = Listening::start(house);
    let backwards: Vec<Value> = told.iter().rev().cloned().collect();
    for told in [&backwards[..], told] {
        served.deliver_all(told);
    }
    assert_eq!(events(house), Vec::<Value>::new());
}

fn notices(house: &House) -> i64 {
    house
        .watch()
        .count("SELECT COUNT(*) FROM outbox WHERE topic = 'refund_failed' AND payload LIKE '%lost_or_stolen_card%'")
}

fn goodwill_that_did_not_arrive_is_undone(house: &House) {
    let (shop, id, total) = paid(house);
    let before = ledger_minor(house, "clearing_stripe");
    assert_eq!(refund(house, &id, &["1.00"]).code, Some(0));
    assert_eq!(ledger_minor(house, "clearing_stripe"), before - 100);
    assert_eq!(ledger_minor(house, "goodwill"), 100);
    let told = fail(&shop, &id);
    tell(house, &told);
    assert_eq!(ledger_minor(house, "clearing_stripe"), before);
    assert_eq!(ledger_minor(house, "goodwill"), 0);
    assert_eq!((credit_minor(house), shop.open_minor()), (0, 0));
    assert_eq!(notices(house), 1);
    let stands = refunds(house, &id);
    assert_eq!(stands[0]["state"], "returned", "{stands:?}");
    assert_eq!(stands[0]["decline"], "lost_or_stolen_card", "{stands:?}");
    let text = house.run(&["payment", "show", &id]).stdout;
    let said = "(goodwill), returned: lost_or_stolen_card (soft), by ada: outage in October";
    assert!(text.contains(said), "{text}");
    assert!(text.contains("credit_grant_undone"), "{text}");
    // Nobody of the house did it.
    let by_house = house.watch().count(
        "SELECT COUNT(*) FROM ledger_entry WHERE movement IN ('credit_pay_back_failed', 'credit_grant_undone') \
         AND actor = 'Stripe' AND reason = 'the refund failed: lost_or_stolen_card'",
    );
    assert_eq!(by_house, 2);
    // All of it is left to be given back.
    assert_eq!(refund(house, &id, &[]).code, Some(0));
    assert_eq!(given_back(&shop, &id), total);
    shop.check();
}

fn a_reopened_invoice_is_paid_again_by_what_did_not_arrive(house: &House) {
    let (shop, id, total) = paid(house);
    assert_eq!(refund(house, &id, &["--reopen"]).code, Some(0));
    assert_eq!(shop.open_minor(), total);
    let told = fail(&shop, &id);
    tell(house, &told);
    assert_eq!((credit_minor(house), shop.open_minor()), (0, 0));
    let later = shop.collect(&["--account", "acc-2"]);
    assert_eq!(
        super::left_out(&later["plan"]),
        ["already_paid 1"],
        "{later}"
    );
    assert_eq!(notices(house), 1);
    shop.check();
}

fn what_did_not_arrive_is_credit_where_the_invoice_was_paid_otherwise(house: &House) {
    let (shop, id, total) = paid(house);
    assert_eq!(refund(house, &id, &["2.00", "--reopen"]).code, Some(0));
    shop.collect(&["--account", "acc-2"]);
    assert_eq!(shop.open_minor(), 0);
    let told = fail(&shop, &id);
    tell(house, &told);
    assert_eq!((credit_minor(house), shop.open_minor()), (200, 0));
    // It is that payment's credit: it is given back out of it.
    let again = refund(house, &id, &["2.00", "--json"]).json();
    assert_eq!(again["credit_minor"], 200, "{again}");
    assert_eq!(
        (credit_minor(house), ledger_minor(house, "goodwill")),
        (0, 0)
    );
    assert_eq!(shop.stripe.charged_in_all() - given_back(&shop, &id), total);
    shop.check();
}

fn what_did_not_arrive_takes_a_write_off_back(house: &House) {
    let (shop, id, _) = paid(house);
    assert_eq!(refund(house, &id, &["--reopen"]).code, Some(0));
    let number = "Q-2026-000001";
    house.run(&[
        "invoice",
        "write-off",
        number,
        "--by",
        "ada",
        "--reason",
        "insolvent",
    ]);
    let told = fail(&shop, &id);
    tell(house, &told);
    assert_eq!((credit_minor(house), shop.open_minor()), (0, 0));
    let written_off = "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM ledger_posting \
                       WHERE ledger_account = 'write_off'";
    assert_eq!(house.watch().count(written_off), 0);
    shop.check();
}

fn credit_that_did_not_arrive_is_there_again(house: &House) {
    let (shop, id, _) = paid_beyond(house);
    assert_eq!(refund(house, &id, &["1.50"]).code, Some(0));
    assert_eq!(
        (credit_minor(house), ledger_minor(house, "goodwill")),
        (0, 50)
    );
    let told = fail(&shop, &id);
    tell(house, &told);
    assert_eq!(
        (credit_minor(house), ledger_minor(house, "goodwill")),
        (100, 0)
    );
    shop.check();
}

fn a_refund_that_turns_up_after_a_day_is_booked(house: &House) {
    let (shop, id, total) = paid(house);
    shop.stripe.faults().push(Fault::BrokenOffAfter);
    refund(house, &id, &["1.00"]);
    let told = shop.stripe.take_events();
    let made = told.iter().find(|event| event["type"] == "charge.refunded");
    assert!(made.is_some(), "{told:?}");
    // Stripe does not show it when it is looked for.
    let objects = shop.stripe.objects();
    let made = objects.iter().find(|object| object["object"] == "refund");
    let made = made.unwrap()["id"].as_str().unwrap().to_owned();
    let intent = shop.stripe.object(&made)["payment_intent"].clone();
    shop.stripe
        .tamper(&made, &json!({"payment_intent": "pi_other"}));
    shop.on(4);
    shop.stripe.forget_keys();
    house.run(&["reconcile"]);
    let stands = refunds(house, &id);
    assert_eq!(stands[0]["decline"], "not_found", "{stands:?}");
    assert_eq!(ledger_minor(house, "goodwill"), 0);
    shop.stripe
        .tamper(&made, &json!({"payment_intent": intent}));
    shop.stripe.finish_refund(&made);
    // Events are signed on the second.
    shop.on(2);
    tell(house, &shop.stripe.take_events());
    let stands = refunds(house, &id);
    assert_eq!(stands[0]["state"], "succeeded", "{stands:?}");
    assert_eq!(stands[0]["reference"], made.as_str(), "{stands:?}");
    assert_eq!(ledger_minor(house, "goodwill"), 100);
    assert_eq!(given_back(&shop, &id), 100);
    let notices = "SELECT COUNT(*) FROM outbox WHERE topic = 'refunded'";
    assert_eq!(house.watch().count(notices), 1);
    // It counts: of the payment, the rest is left.
    let over = major(total - 99);
    assert_eq!(refund(house, &id, &[&over]).code, Some(1));
    shop.check();
}

fn a_refund_made_twice_waits_for_a_person(house: &House) {
    let (shop, id, _) = paid(house);
    assert_eq!(refund(house, &id, &["1.00"]).code, Some(0));
    shop.add_card("acc-2", CardScript::succeeds());
    let own = refunds(house, &id)[0].clone();
    // Another refund of Stripe's under the same id.
    assert_eq!(refund(house, &id, &["1.00"]).code, Some(0));
    let all = refunds(house, &id);
    let other = all.iter().find(|refund| refund["id"] != own["id"]).unwrap();
    let reference = other["reference"].as_str().unwrap();
    shop.stripe
        .tamper(reference, &json!({"metadata": {"refund": own["id"]}}));
    shop.stripe.take_events();
    shop.stripe.finish_refund(reference);
    Listening::start(house).deliver_all(&shop.stripe.take_events());
    let open = events(house);
    assert_eq!(open.len(), 1, "{open:?}");
    let problem = open[0]["problem"].as_str().unwrap();
    assert!(problem.contains("was made twice"), "{problem}");
    shop.check();
}

fn an_answer_that_is_older_than_what_is_recorded_is_read_again(house: &House) {
    let (shop, id, _) = paid(house);
    shop.stripe.refund_status("pending");
    assert_eq!(refund(house, &id, &["1.00"]).code, Some(0));
    let reference = refunds(house, &id)[0]["reference"].clone();
    let reference = reference.as_str().unwrap();
    shop.stripe.finish_refund(reference);
    // It is read as succeeded; before that is written down, it fails, and another
    // process writes that down.
    let other = house.command(&["reconcile"]);
    shop.stripe.fail_during_read(reference, other);
    house.run(&["reconcile"]);
    let stands = refunds(house, &id);
    assert_eq!(stands[0]["state"], "declined", "{stands:?}");
    assert_eq!(ledger_minor(house, "goodwill"), 0);
    assert_eq!(
        house
            .watch()
            .count("SELECT COUNT(*) FROM outbox WHERE topic LIKE 'refund%'"),
        0
    );
    tell(house, &shop.stripe.take_events());
    assert_eq!(ledger_minor(house, "goodwill"), 0);
    shop.check();
}

/// What did not arrive is the payment again, and is disputed before anybody heard so.
fn a_dispute_that_is_told_before_its_refund_failed_is_booked(house: &House) {
    let (shop, id, total) = paid(house);
    assert_eq!(refund(house, &id, &[]).code, Some(0));
    let failed = fail(&shop, &id);
    let intent = shop.payments()[0]["provider_reference"].clone();
    let dispute = shop
        .stripe
        .open_dispute(intent.as_str().unwrap(), total, 1_500);
    let disputed = shop.stripe.take_events();
    let stands = || {
        let shown = house.run(&["payment", "show", &id, "--json"]).json();
        let one = |of: &str| shown[of][0]["state"].as_str().map(str::to_owned);
        (one("refunds"), one("disputes"))
    };
    let both = |dispute: &str| (Some("returned".to_owned()), Some(dispute.to_owned()));
    tell(house, &disputed);
    assert_eq!(stands(), both("open"));
    assert_eq!(shop.open_minor(), total);
    tell(house, &failed);
    assert_eq!(stands(), both("open"));
    shop.stripe.close_dispute(&dispute, true);
    let won = shop.stripe.take_events();
    tell(house, &won);
    assert_eq!(stands(), both("won"));
    assert_eq!((credit_minor(house), shop.open_minor()), (0, 0));
    shop.check();
}
