//! Money given back to a card.

use serde_json::Value;

use super::{Shop, bill_one, charged, left_out};
use crate::collect::major;
use crate::fakes::Fault;
use crate::fakes::stripe::CardScript;
use crate::on_both;
use crate::support::{Answer, House};

on_both!(
    a_goodwill_refund_leaves_the_invoice_paid,
    a_reopened_invoice_is_owed_and_charged_again,
    no_more_than_was_paid_is_given_back,
    a_refund_without_an_answer_is_finished_once,
    what_was_not_taken_by_card_is_not_refunded,
);

/// A paid invoice; the payment's id and the total.
fn paid<'a>(house: &'a House) -> (Shop<'a>, String, i64) {
    let shop = Shop::impatient(house, 60);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    shop.collect(&[]);
    let id = shop.payments()[0]["id"].as_str().unwrap().to_owned();
    (shop, id, total)
}

fn refund(house: &House, id: &str, more: &[&str]) -> Answer {
    let mut args = vec!["refund", id];
    args.extend(more);
    args.extend(["--by", "ada", "--reason", "outage in October"]);
    house.try_run(&args)
}

fn refunds(house: &House, id: &str) -> Vec<Value> {
    let shown = house.run(&["payment", "show", id, "--json"]).json();
    shown["refunds"].as_array().unwrap().clone()
}

fn given_back(shop: &Shop<'_>, id: &str) -> i64 {
    let refunds = refunds(shop.house, id);
    refunds
        .iter()
        .map(|refund| shop.stripe.refunded(refund["id"].as_str().unwrap()))
        .sum()
}

fn a_goodwill_refund_leaves_the_invoice_paid(house: &House) {
    let (shop, id, _) = paid(house);
    let answer = refund(house, &id, &["1.00"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(
        answer
            .stdout
            .contains("1.00 EUR of Q-2026-000001 given back"),
        "{answer:?}"
    );
    assert_eq!(given_back(&shop, &id), 100);
    assert_eq!(shop.open_minor(), 0);
    let later = shop.collect(&["--account", "acc-2"]);
    assert_eq!(left_out(&later["plan"]), ["already_paid 1"], "{later}");
    let credit = house.run(&["credit", "show", "acc-2", "--json"]).json();
    assert_eq!(credit["balance_minor"], 0, "{credit}");
    let audit = house.watch().count(
        "SELECT COUNT(*) FROM audit_entry WHERE actor = 'ada' AND reason = 'outage in October'",
    );
    assert_eq!(audit, 3, "the order and its two entries");
    shop.check();
}

fn a_reopened_invoice_is_owed_and_charged_again(house: &House) {
    let (shop, id, total) = paid(house);
    let answer = refund(house, &id, &["--reopen"]);
    assert!(
        answer.stdout.contains(&format!("{} EUR", major(total))),
        "{answer:?}"
    );
    assert_eq!(given_back(&shop, &id), total);
    assert_eq!(shop.open_minor(), total);
    let again = shop.collect(&["--account", "acc-2"]);
    assert_eq!(charged(&again), ["card paid 1"], "{again}");
    assert_eq!(shop.stripe.charged_in_all(), 2 * total);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn no_more_than_was_paid_is_given_back(house: &House) {
    let (shop, id, total) = paid(house);
    // (amount, what is said)
    let over = major(total + 1);
    let wrong = [
        (over.as_str(), "is left to be paid back"),
        ("0", "must be above 0"),
        ("-1", "must be above 0"),
        ("1.005", "EUR has 2 decimals"),
    ];
    for (amount, said) in wrong {
        let answer = refund(house, &id, &[amount]);
        assert_eq!(answer.code, Some(1), "{amount}: {answer:?}");
        assert!(answer.stderr.contains(said), "{amount}: {answer:?}");
    }
    assert!(refunds(house, &id).is_empty());
    // Two halves, and nothing more.
    let half = major(total / 2);
    for expected in [Some(0), Some(0), Some(1)] {
        assert_eq!(refund(house, &id, &[&half]).code, expected);
    }
    assert_eq!(
        refund(house, &id, &[]).code,
        Some(i32::from(total % 2 == 0))
    );
    assert_eq!(given_back(&shop, &id), total);
    let unknown = refund(house, &"0".repeat(32), &[]);
    assert!(
        unknown.stderr.contains("there is no payment"),
        "{unknown:?}"
    );
    let no_id = refund(house, "7", &[]);
    assert_eq!(no_id.code, Some(2), "{no_id:?}");
    shop.check();
}

fn a_refund_without_an_answer_is_finished_once(house: &House) {
    let (shop, id, total) = paid(house);
    shop.stripe.faults().push(Fault::BrokenOffAfter);
    let answer = refund(house, &id, &[]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let goes_on = "is recorded, and reconciling goes on with it: Stripe";
    assert!(answer.stderr.contains(goes_on), "{answer:?}");
    // What is out may not be given back again.
    assert_eq!(refund(house, &id, &[]).code, Some(1));
    house.run(&["reconcile"]);
    assert_eq!(given_back(&shop, &id), total);
    assert_eq!(refunds(house, &id)[0]["state"], "succeeded");
    // And after a day, by looking it up.
    let other = house.sibling();
    let (shop, id, total) = paid(&other);
    shop.stripe.faults().push(Fault::ErrorAfter);
    refund(&other, &id, &[]);
    shop.on(5);
    shop.stripe.forget_keys();
    other.run(&["reconcile"]);
    assert_eq!(given_back(&shop, &id), total);
    assert_eq!(refunds(&other, &id)[0]["state"], "succeeded");
    shop.check();
}

fn what_was_not_taken_by_card_is_not_refunded(house: &House) {
    let shop = Shop::open(house);
    let total = bill_one(house);
    let amount = major(total);
    house.run(&[
        "credit", "grant", "acc-2", &amount, "--reason", "outage", "--by", "ada",
    ]);
    let id = shop.payments()[0]["id"].as_str().unwrap().to_owned();
    let answer = refund(house, &id, &[]);
    assert!(
        answer.stderr.contains("grant the account credit"),
        "{answer:?}"
    );
    assert!(refunds(house, &id).is_empty());
    shop.check();
}
