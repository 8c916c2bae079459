//! Money given back to a card.

use serde_json::Value;

use super::events::Listening;
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
    what_became_credit_is_given_back_out_of_it_first,
    credit_on_its_way_back_to_a_card_pays_nothing,
    what_is_disputed_is_not_given_back_too,
);

/// A paid invoice; the payment's id and the total.
pub(super) fn paid<'a>(house: &'a House) -> (Shop<'a>, String, i64) {
    let shop = Shop::impatient(house, 60);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    shop.collect(&[]);
    let id = shop.payments()[0]["id"].as_str().unwrap().to_owned();
    (shop, id, total)
}

pub(super) fn refund(house: &House, id: &str, more: &[&str]) -> Answer {
    let mut args = vec!["refund", id];
    args.extend(more);
    args.extend(["--by", "ada", "--reason", "outage in October"]);
    house.try_run(&args)
}

pub(super) fn refunds(house: &House, id: &str) -> Vec<Value> {
    let shown = house.run(&["payment", "show", id, "--json"]).json();
    shown["refunds"].as_array().unwrap().clone()
}

pub(super) fn given_back(shop: &Shop<'_>, id: &str) -> i64 {
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

/// A payment of which 100 cents became credit: they were disputed, paid by
/// another card, and won back. Its id and the invoice's total.
pub(super) fn paid_beyond<'a>(house: &'a House) -> (Shop<'a>, String, i64) {
    let (shop, id, total) = paid(house);
    let shown = house.run(&["payment", "show", &id, "--json"]).json();
    let intent = shown["provider_reference"].as_str().unwrap();
    let served = Listening::start(house);
    let dispute = shop.stripe.open_dispute(intent, 100, 0);
    served.deliver_all(&shop.stripe.take_events());
    shop.add_card("acc-2", CardScript::succeeds());
    assert_eq!(shop.open_minor(), 0);
    assert_eq!(shop.stripe.charged_in_all(), total + 100);
    shop.stripe.close_dispute(&dispute, true);
    served.deliver_all(&shop.stripe.take_events());
    assert_eq!(credit_minor(house), 100);
    assert!(total > 200, "{total}");
    (shop, id, total)
}

pub(super) fn credit_minor(house: &House) -> i64 {
    let shown = house.run(&["credit", "show", "acc-2", "--json"]).json();
    shown["balance_minor"].as_i64().unwrap()
}

/// What stands in an account of the ledger, debit positive.
pub(super) fn ledger_minor(house: &House, account: &str) -> i64 {
    house.watch().count(match account {
        "goodwill" => {
            "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM ledger_posting \
             WHERE ledger_account = 'goodwill'"
        }
        _ => {
            "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM ledger_posting \
             WHERE ledger_account = 'clearing_stripe'"
        }
    })
}

/// Another invoice, for November, of less than a euro.
fn bill_little(house: &House) -> i64 {
    house.import_usage(
        "u2,acc-2,blog,container,web,S,1,2026-11-10T00:00:00Z,2026-11-12T00:00:00Z\n",
    );
    house.set_now("2026-12-02T08:00:00Z");
    house.run(&["run", "2026-11"]);
    let total = house.invoices("2026-11")[0]["total_minor"].as_i64();
    let total = total.unwrap();
    assert!((1..100).contains(&total), "{total}");
    total
}

fn what_became_credit_is_given_back_out_of_it_first(house: &House) {
    let (shop, id, total) = paid_beyond(house);
    let answer = refund(house, &id, &["0.30"]);
    assert!(
        answer.stdout.contains("out of the credit: 0.30 EUR"),
        "{answer:?}"
    );
    assert_eq!(credit_minor(house), 70);
    assert_eq!(ledger_minor(house, "goodwill"), 0);
    let stands = refunds(house, &id);
    assert_eq!(stands[0]["credit_minor"], 30, "{stands:?}");
    let text = house.run(&["payment", "show", &id]).stdout;
    assert!(
        text.contains("(goodwill, 0.30 EUR of it out of the credit)"),
        "{text}"
    );
    // Some of it pays the next invoice: that cannot be given back any more.
    let spent = bill_little(house);
    house.run(&["collect", "--yes"]);
    let unused = credit_minor(house);
    assert_eq!(unused, 70 - spent);
    let possible = total - spent - 30;
    let refused = refund(house, &id, &[]);
    let said = format!(
        "{} EUR cannot be given back, but {} EUR: 0.70 EUR of the payment is credit, and of the account's \
         credit, {} EUR is unused",
        major(total - 30),
        major(possible),
        major(unused)
    );
    assert!(refused.stderr.contains(&said), "{said}: {refused:?}");
    assert_eq!(refund(house, &id, &[&major(possible + 1)]).code, Some(1));
    assert_eq!(refund(house, &id, &[&major(possible)]).code, Some(0));
    assert_eq!(credit_minor(house), 0);
    // Only what paid the invoice was for goodwill.
    assert_eq!(ledger_minor(house, "goodwill"), total - 100);
    assert_eq!(given_back(&shop, &id), possible + 30);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn credit_on_its_way_back_to_a_card_pays_nothing(house: &House) {
    let (shop, id, _) = paid_beyond(house);
    shop.stripe.refund_status("pending");
    assert_eq!(
        refund(house, &id, &["0.95", "--json"]).json()["state"],
        "pending"
    );
    assert_eq!(credit_minor(house), 5);
    // Committed, it is held back from what another refund may take, too.
    let answer = refund(house, &id, &["0.06", "--json"]).json();
    assert_eq!(answer["credit_minor"], 5, "{answer}");
    assert_eq!(credit_minor(house), 0);
    let spent = bill_little(house);
    let later = shop.collect(&["--account", "acc-2"]);
    assert_eq!(charged(&later), ["card paid 1"], "{later}");
    house.run(&["verify"]);
    // One arrives, one does not: its credit is there again.
    let all = refunds(house, &id);
    let reference = |at: usize| all[at]["reference"].as_str().unwrap().to_owned();
    let at = usize::from(all[0]["amount_minor"] != 95);
    shop.stripe.finish_refund(&reference(at));
    shop.stripe.fail_refund(&reference(1 - at));
    house.run(&["reconcile"]);
    assert_eq!(credit_minor(house), 5);
    assert_eq!(ledger_minor(house, "goodwill"), 0);
    assert_eq!(given_back(&shop, &id), 95);
    assert!(spent > 0);
    shop.check();
}

fn what_is_disputed_is_not_given_back_too(house: &House) {
    let (shop, id, total) = paid(house);
    shop.stripe.faults().push(Fault::ErrorBefore);
    refund(house, &id, &[]);
    assert_eq!(refunds(house, &id)[0]["state"], "unknown");
    let shown = house.run(&["payment", "show", &id, "--json"]).json();
    let intent = shown["provider_reference"].as_str().unwrap();
    shop.stripe.open_dispute(intent, total, 0);
    Listening::start(house).deliver_all(&shop.stripe.take_events());
    let asked = shop.stripe.requests("POST /v1/refunds");
    house.run(&["reconcile"]);
    assert_eq!(refunds(house, &id)[0]["state"], "unknown");
    // It is old enough: what is not there will not come.
    shop.on(4);
    house.run(&["reconcile"]);
    let stands = refunds(house, &id);
    assert_eq!(stands[0]["decline"], "not_found", "{stands:?}");
    assert_eq!(shop.stripe.requests("POST /v1/refunds"), asked);
    assert_eq!(given_back(&shop, &id), 0);
    shop.check();
}
