//! Direct debits from an unpaid invoice to the bank and back, as dated stories.

use serde_json::Value;

use crate::bank_import::xml::{Booking, Name, plain, statement_of};
use crate::on_both;
use crate::support::direct_debit::{BY, IBAN, OTHER_IBAN, add_mandate, furnish_sepa};
use crate::support::{Answer, House};

on_both!(
    returned_for_want_of_money_tried_again_and_paid,
    a_closed_account_rules_the_mandate_out,
    a_failed_debit_does_not_fall_back_to_a_card_by_itself,
    a_new_mandate_debits_what_is_unpaid,
    collecting_twice_debits_once,
);

/// One invoice of acc-2, due on 2 November, and a mandate.
fn ready(house: &House) -> i64 {
    furnish_sepa(house);
    add_mandate(house, "acc-2", IBAN);
    house.run(&["run", "2026-10"]);
    let invoices = house.invoices("2026-10");
    let of_it = |invoice: &&Value| invoice["account"] == "acc-2";
    let invoice = invoices.iter().find(of_it).unwrap();
    invoice["total_minor"].as_i64().unwrap()
}

fn on(house: &House, day: &str) {
    house.set_now(&format!("{day}T08:00:00Z"));
}

fn collect(house: &House) -> Value {
    house
        .run(&["collect", "--yes", "--json", "--account", "acc-2"])
        .json()
}

/// The outcomes of what was collected.
fn outcomes(answer: &Value) -> Vec<String> {
    let rows = answer["outcome"]["charged"].as_array();
    rows.into_iter()
        .flatten()
        .map(|row| {
            format!(
                "{} {}",
                row["method"].as_str().unwrap(),
                row["outcome"].as_str().unwrap()
            )
        })
        .collect()
}

fn left_out(answer: &Value) -> Vec<&str> {
    let rows = answer["plan"]["left_out"].as_array().unwrap();
    rows.iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect()
}

/// Makes a file of what waits and lets it go to the bank.
#[track_caller]
fn submit(house: &House) {
    let made = house.run(&["sepa", "batch", "--json"]).json();
    let id = made["id"].as_str().unwrap();
    let args = [&["sepa", "release", id], &BY[..]].concat();
    house.run(&args);
}

/// The attempt that is out, or was last.
fn latest(house: &House) -> Value {
    let args = ["payment", "list", "--json", "--account", "acc-2"];
    house
        .run(&args)
        .json()
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[track_caller]
fn told(house: &House, message: &str, booking: Booking) -> Answer {
    let file = house.file(
        &format!("{message}.xml"),
        statement_of(message, OTHER_IBAN, &[booking]),
    );
    house.run(&["sepa", "import", file.to_str().unwrap()])
}

fn booking(house: &House, amount: i64, reason: Option<&'static str>, day: &str) -> Booking {
    Booking {
        name: Name::Debit(latest(house)["id"].as_str().unwrap().to_owned()),
        amount,
        charges: 0,
        reason,
        is_return: reason.is_some(),
        day: day.to_owned(),
    }
}

fn open_minor(house: &House) -> i64 {
    house.watch().count(
        "SELECT CAST(SUM(i.total_minor) AS BIGINT) + (SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) \
         FROM ledger_posting p WHERE p.ledger_account = 'receivable') FROM invoice i \
         JOIN account a ON a.id = i.account_id WHERE a.external_id = 'acc-2'",
    )
}

fn returned_for_want_of_money_tried_again_and_paid(house: &House) {
    let total = ready(house);
    assert_eq!(outcomes(&collect(house)), ["sepa waits_for_file"]);
    assert_eq!(left_out(&collect(house)), ["in_flight"]);
    submit(house);
    assert_eq!(latest(house)["state"], "submitted");
    assert_eq!(left_out(&collect(house)), ["in_flight"]);
    on(house, "2026-11-10");
    let paid = booking(house, total, None, "2026-11-09");
    told(house, "S-1", paid);
    assert_eq!(open_minor(house), 0);
    assert_eq!(left_out(&collect(house)), ["already_paid"]);
    // The debtor's bank takes it back three days later.
    on(house, "2026-11-12");
    let returned = booking(house, total, Some("AM04"), "2026-11-12");
    let said = told(house, "S-2", returned.clone());
    assert!(said.stdout.contains(&plain(total)), "{said:?}");
    assert_eq!(open_minor(house), total);
    assert_eq!(latest(house)["decline"]["class"], "soft");
    told(house, "S-3", returned);
    assert_eq!(open_minor(house), total, "told again, nothing new");
    // The clock stood still while the money was there, so the ladder goes on.
    house.run(&["verify"]);
    on(house, "2026-11-13");
    let again = collect(house);
    assert_eq!(outcomes(&again), ["sepa waits_for_file"], "{again}");
    submit(house);
    on(house, "2026-11-20");
    let paid = booking(house, total, None, "2026-11-20");
    told(house, "S-4", paid);
    assert_eq!(open_minor(house), 0);
    let args = ["payment", "list", "--json", "--account", "acc-2"];
    let payments = house.run(&args).json();
    let states: Vec<&str> = payments
        .as_array()
        .unwrap()
        .iter()
        .map(|payment| payment["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["returned", "succeeded"]);
    house.run(&["verify"]);
}

fn a_closed_account_rules_the_mandate_out(house: &House) {
    let total = ready(house);
    collect(house);
    submit(house);
    on(house, "2026-11-10");
    let closed = booking(house, total, Some("AC04"), "2026-11-10");
    told(house, "S-1", closed);
    assert_eq!(left_out(&collect(house)), ["hard_decline"]);
    let methods = house.run(&["method", "list", "acc-2", "--json"]).json();
    assert_eq!(methods[0]["state"], "hard_declined", "{methods}");
    // A mandate on another account debits it at once.
    add_mandate(house, "acc-2", OTHER_IBAN);
    assert_eq!(latest(house)["state"], "created");
    submit(house);
    let paid = booking(house, total, None, "2026-11-18");
    on(house, "2026-11-18");
    told(house, "S-2", paid);
    assert_eq!(open_minor(house), 0);
    house.run(&["verify"]);
}

fn a_failed_debit_does_not_fall_back_to_a_card_by_itself(house: &House) {
    let total = ready(house);
    // A card is on file too.
    house.edit(
        "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
         SELECT id, 2, 'card', 'usable', 1, 1, 1 FROM account WHERE external_id = 'acc-2'",
    );
    house.edit(
        "INSERT INTO payment_card (account_id, method_id, reference, brand, last4, expires) \
         SELECT id, 2, 'pm_1', 'visa', '4242', 203008 FROM account WHERE external_id = 'acc-2'",
    );
    assert_eq!(outcomes(&collect(house)), ["sepa waits_for_file"]);
    submit(house);
    on(house, "2026-11-10");
    let returned = booking(house, total, Some("MD01"), "2026-11-10");
    told(house, "S-1", returned);
    // No mandate any more: the debt stays open, and the card is left alone.
    let later = collect(house);
    assert_eq!(left_out(&later), ["hard_decline"], "{later}");
    house.run(&["verify"]);
}

fn a_new_mandate_debits_what_is_unpaid(house: &House) {
    furnish_sepa(house);
    house.run(&["run", "2026-10"]);
    add_mandate(house, "acc-2", IBAN);
    let payment = latest(house);
    assert_eq!(payment["method"], "sepa");
    assert_eq!(payment["state"], "created");
    submit(house);
    house.run(&["verify"]);
}

fn collecting_twice_debits_once(house: &House) {
    ready(house);
    let both = [(); 2].map(|()| house.spawn(&["collect", "--yes", "--json"]));
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let made = house.run(&["sepa", "batch", "--json"]).json();
    assert_eq!(made["debits"], 1, "{made}");
    let again = house.run(&["sepa", "batch", "--json"]).json();
    assert_eq!(again["debits"], 0, "{again}");
    assert_eq!(left_out(&collect(house)), ["in_flight"]);
    house.run(&["verify"]);
}
