//! How an invoice is paid, or is not.

use serde_json::json;

use super::{Shop, bill_one, bill_three, charged, left_out};
use crate::collect::{MONTHS, major, totals};
use crate::fakes::stripe::{CardScript, Outcome, fee_minor};
use crate::on_both;
use crate::support::House;

on_both!(
    a_card_pays_and_its_fee_is_booked,
    short_credit_falls_back_to_the_card,
    partial_credit_is_used_up_and_the_card_pays_the_rest,
    a_new_card_pays_three_old_invoices_at_once,
    a_hard_decline_disables_the_card_for_every_invoice,
    what_waits_for_the_customer_is_canceled_before_another_card,
    a_payment_that_succeeded_while_it_waited_is_not_taken_twice,
    wrong_credentials_stop_everything_and_leave_nothing_behind,
    no_settings_no_card,
    a_debt_that_was_given_up_is_not_charged,
    nothing_secret_is_logged_or_kept,
);

fn grant(house: &House, minor: i64) {
    let amount = major(minor);
    house.run(&[
        "credit", "grant", "acc-2", &amount, "--reason", "outage", "--by", "ada",
    ]);
}

fn a_card_pays_and_its_fee_is_booked(house: &House) {
    let shop = Shop::open(house);
    // The card is there before the invoice.
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    let plan = house.run(&["collect", "--dry-run", "--json"]).json();
    assert_eq!(plan["plan"]["charged"][0]["method"], "card", "{plan}");
    assert_eq!(shop.stripe.charged_in_all(), 0);
    assert_eq!(charged(&shop.collect(&[])), ["card paid 1"]);
    assert_eq!(shop.stripe.charged_in_all(), total);
    assert_eq!(shop.open_minor(), 0);
    let again = shop.collect(&[]);
    assert_eq!(again["outcome"], json!(null), "{again}");
    let payment = shop.payments()[0].clone();
    let id = payment["id"].as_str().unwrap();
    let shown = house.run(&["payment", "show", id, "--json"]).json();
    let fee = fee_minor(total);
    let postings = json!([
        ["clearing_stripe", total - fee],
        ["provider_fees", fee],
        ["receivable", -total]
    ]);
    let booked: Vec<_> = shown["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| json!([posting["ledger_account"], posting["amount_minor"]]))
        .collect();
    assert_eq!(json!(booked), postings, "{shown}");
    let text = house.run(&["payment", "show", id]).stdout;
    assert!(
        text.contains("state     succeeded") && text.contains("pi_"),
        "{text}"
    );
    shop.check();
}

fn short_credit_falls_back_to_the_card(house: &House) {
    let shop = Shop::open(house);
    let total = bill_one(house);
    grant(house, total - 1);
    let before = shop.collect(&[]);
    assert_eq!(left_out(&before["plan"]), ["credit_short 1"], "{before}");
    let said = shop.add_card("acc-2", CardScript::succeeds());
    assert!(
        said.contains(&format!("paid {} EUR", major(total))),
        "{said}"
    );
    assert_eq!(shop.stripe.charged_in_all(), total);
    let credit = house.run(&["credit", "show", "acc-2", "--json"]).json();
    assert_eq!(credit["balance_minor"], total - 1, "all or nothing");
    shop.check();
}

fn partial_credit_is_used_up_and_the_card_pays_the_rest(house: &House) {
    let shop = Shop::with(house, "tries = 2", "partial");
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    grant(house, 100);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    assert_eq!(
        charged(&shop.collect(&[])),
        ["credit paid 1", "card paid 1"]
    );
    assert_eq!(shop.stripe.charged_in_all(), total - 100);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn a_new_card_pays_three_old_invoices_at_once(house: &House) {
    bill_three(house);
    let shop = Shop::open(house);
    let totals = totals(house);
    let said = shop.add_card("acc-2", CardScript::succeeds());
    let lines: Vec<String> = (1..)
        .zip(&totals)
        .map(|(no, total)| format!("Q-2026-{no:06}: paid {} EUR", major(*total)))
        .collect();
    assert!(said.ends_with(&format!("{}\n", lines.join("\n"))), "{said}");
    assert_eq!(shop.stripe.charged_in_all(), totals.iter().sum::<i64>());
    let times: Vec<_> = shop.payments();
    assert_eq!(times.len(), MONTHS.len());
    // Told again, as by its event, the card is there already and charges nothing.
    let setups = shop.stripe.requests("POST /v1/payment_intents");
    let setup = house.watch().count("SELECT COUNT(*) FROM payment_card");
    assert_eq!((setups, setup), (3, 1));
    shop.check();
}

fn a_hard_decline_disables_the_card_for_every_invoice(house: &House) {
    bill_three(house);
    let shop = Shop::open(house);
    let said = shop.add_card("acc-2", CardScript::declines("stolen_card"));
    assert!(said.contains("declined for good"), "{said}");
    // The second and third invoice were not even tried.
    assert_eq!(shop.stripe.requests("POST /v1/payment_intents"), 1);
    let later = shop.collect(&["--account", "acc-2"]);
    assert_eq!(left_out(&later["plan"]), ["hard_decline 3"], "{later}");
    let methods = house.run(&["method", "list", "acc-2", "--json"]).json();
    assert_eq!(methods[0]["state"], "hard_declined", "{methods}");
    // A new card ends it.
    shop.add_card("acc-2", CardScript::succeeds());
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn what_waits_for_the_customer_is_canceled_before_another_card(house: &House) {
    let shop = Shop::open(house);
    let total = bill_one(house);
    let said = shop.add_card("acc-2", CardScript::needs_authentication());
    assert!(said.contains("the customer has to act"), "{said}");
    let waiting = shop.payments()[0]["provider_reference"]
        .as_str()
        .unwrap()
        .to_owned();
    let later = shop.collect(&["--account", "acc-2"]);
    assert_eq!(left_out(&later["plan"]), ["action_required 1"], "{later}");
    shop.add_card("acc-2", CardScript::succeeds());
    assert_eq!(shop.stripe.object(&waiting)["status"], "canceled");
    assert_eq!(shop.stripe.charged_in_all(), total);
    // Made at the same instant of a clock that stands still, in either order.
    let mut states: Vec<String> = shop
        .payments()
        .iter()
        .map(|payment| format!("{} {}", payment["state"], payment["decline"]["code"]))
        .collect();
    states.sort();
    assert_eq!(states, [r#""declined" "canceled""#, r#""succeeded" null"#]);
    shop.check();
}

fn a_payment_that_succeeded_while_it_waited_is_not_taken_twice(house: &House) {
    let shop = Shop::open(house);
    let total = bill_one(house);
    shop.add_card("acc-2", CardScript::needs_authentication());
    let waiting = shop.payments()[0]["provider_reference"]
        .as_str()
        .unwrap()
        .to_owned();
    // The customer authenticates, and its event is lost.
    shop.stripe.authenticate(&waiting);
    shop.add_card("acc-2", CardScript::succeeds());
    assert_eq!(shop.stripe.charged_in_all(), total);
    assert_eq!(shop.payments().len(), 1);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn wrong_credentials_stop_everything_and_leave_nothing_behind(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    house.set_env("STRIPE_KEY", "sk_live_of_another");
    let answer = house.refuse(&["collect", "--yes"]);
    assert!(
        answer.stderr.contains("Stripe refuses our credentials"),
        "{answer:?}"
    );
    assert!(!answer.stderr.contains("sk_live"), "{answer:?}");
    house.set_env("STRIPE_KEY", crate::fakes::stripe::SECRET_KEY);
    // It counts as no try: the same day goes on.
    assert_eq!(charged(&shop.collect(&[])), ["card paid 1"]);
    assert_eq!(shop.stripe.charged_in_all(), total);
    // A secret that is not there is named by its place.
    house.set_env("STRIPE_KEY", "");
    let answer = house.refuse(&["method", "add-card", "acc-1"]);
    assert!(
        answer.stderr.contains("env:STRIPE_KEY is empty"),
        "{answer:?}"
    );
    shop.check();
}

fn no_settings_no_card(house: &House) {
    bill_one(house);
    let answer = house.refuse(&["method", "add-card", "acc-2"]);
    assert!(
        answer
            .stderr
            .contains("there is no [stripe] in the settings"),
        "{answer:?}"
    );
    let answer = house.refuse(&["method", "add-card", "acc-9"]);
    assert!(
        answer.stderr.contains("there is no account \"acc-9\""),
        "{answer:?}"
    );
}

fn a_debt_that_was_given_up_is_not_charged(house: &House) {
    let shop = Shop::open(house);
    let total = bill_one(house);
    let number = "Q-2026-000001";
    let write_off = |reason: &str| {
        house.try_run(&[
            "invoice",
            "write-off",
            number,
            "--by",
            "ada",
            "--reason",
            reason,
        ])
    };
    let refused = write_off(" ");
    assert!(refused.stderr.contains("--reason must be"), "{refused:?}");
    let done = write_off("insolvent");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.stdout
            .contains(&format!("written off {} EUR", major(total))),
        "{done:?}"
    );
    let again = write_off("insolvent");
    assert!(
        again.stderr.contains("nothing of Q-2026-000001 is open"),
        "{again:?}"
    );
    let said = shop.add_card("acc-2", CardScript::succeeds());
    assert!(!said.contains("paid"), "{said}");
    assert_eq!(shop.stripe.charged_in_all(), 0);
    let unknown = house.refuse(&[
        "invoice",
        "write-off",
        "Q-2026-000009",
        "--by",
        "ada",
        "--reason",
        "x",
    ]);
    assert!(
        unknown.stderr.contains("there is no invoice Q-2026-000009"),
        "{unknown:?}"
    );
    shop.check();
}

fn nothing_secret_is_logged_or_kept(house: &House) {
    let shop = Shop::open(house);
    house.set_env("QUITTANCE_LOG", "debug");
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
    let intent = setup["setup_intent"].as_str().unwrap();
    let client_secret = setup["client_secret"].as_str().unwrap();
    let script = CardScript::each([Outcome::Declines("insufficient_funds".to_owned())]);
    shop.stripe.confirm_setup(intent, script);
    bill_one(house);
    let mut said = String::new();
    for args in [
        &["method", "finish-card", intent][..],
        &["collect", "--yes", "--account", "acc-2"],
        &["reconcile"],
        &["payment", "list"],
        &["method", "list", "acc-2"],
    ] {
        let answer = house.run(args);
        said.push_str(&answer.stdout);
        said.push_str(&answer.stderr);
    }
    // The log is there, with the provider's name of the request.
    assert!(
        said.contains("req_") && said.contains("/v1/payment_intents"),
        "{said}"
    );
    for secret in [
        crate::fakes::stripe::SECRET_KEY,
        super::WEBHOOK_SECRET,
        client_secret,
        "jan@example.com",
        "Kowalski",
    ] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    shop.check();
}
