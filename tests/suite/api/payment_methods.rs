//! Cards and mandates, as a customer puts them on file and takes them off.

use serde_json::{Value, json};

use super::{Client, field, furnish_api_with};
use crate::collect::{bill, payments};
use crate::fakes::stripe::{CardScript, StripeFake};
use crate::support::direct_debit::{IBAN, SECTIONS};
use crate::support::{House, Served};
use crate::{cards, on_both};

on_both!(
    a_card_is_entered_and_pays_what_is_unpaid,
    a_card_of_another_account_is_not_finished,
    a_mandate_is_read_and_signed,
    what_is_wrong_with_a_mandate_is_said,
    the_preferred_one_is_charged_and_a_removed_one_not,
    a_house_without_providers_says_so,
);

const METHODS: &str = "/v1/account/payment-methods";

/// A house that takes cards and direct debits over the API.
fn furnish(house: &House) -> StripeFake {
    let stripe = StripeFake::start();
    let section = cards::section(house, &stripe, "tries = 1");
    furnish_api_with(house, 10_000, &format!("{SECTIONS}\n{section}"));
    stripe
}

/// Begins a card; its setup.
#[track_caller]
fn begin(client: &Client<'_>) -> String {
    let reply = client.post(&format!("{METHODS}/cards"), &json!({}));
    assert_eq!(reply.status, 201, "{reply:?}");
    let setup = &reply.json()["card_setup"];
    let (id, secret) = (setup["id"].as_str(), setup["client_secret"].as_str());
    let id = id.unwrap().to_owned();
    assert!(secret.unwrap().starts_with(&id), "{setup}");
    id
}

fn finish(client: &Client<'_>, setup: &str) -> crate::support::Reply {
    client.post(&format!("{METHODS}/cards/{setup}/finish"), &json!({}))
}

fn listed(client: &Client<'_>) -> Vec<Value> {
    let listed = client.get(METHODS);
    listed["payment_methods"].as_array().unwrap().clone()
}

fn a_card_is_entered_and_pays_what_is_unpaid(house: &House) {
    let stripe = furnish(house);
    bill(house, &["acc-2"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    assert_eq!(client.get(METHODS), json!({ "payment_methods": [] }));
    let setup = begin(&client);
    let early = finish(&client, &setup);
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(
        early.json(),
        json!({ "error": "not on file: the customer or its bank has something to do yet" })
    );
    stripe.confirm_setup(&setup, CardScript::succeeds());
    let reply = finish(&client, &setup);
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = reply.json();
    let method = &told["payment_method"];
    assert_eq!(method["type"], "card", "{told}");
    assert_eq!(method["is_preferred"], true, "{told}");
    assert_eq!(method["card"]["last4"].as_str().unwrap().len(), 4, "{told}");
    assert_eq!(method["mandate"], Value::Null);
    let charged = told["invoices"].as_array().unwrap();
    assert_eq!(charged.len(), 3, "{told}");
    assert!(charged.iter().all(|one| one["state"] == "paid"), "{told}");
    let paid: i64 = charged
        .iter()
        .map(|one| one["amount"].as_i64().unwrap())
        .sum();
    assert_eq!(paid, stripe.charged_in_all());
    // Told again, also by the provider, it is the same card, and charges nothing.
    let again = finish(&client, &setup);
    assert_eq!(again.json()["payment_method"], *method);
    assert_eq!(again.json()["invoices"], json!([]));
    assert_eq!(listed(&client), std::slice::from_ref(method));
    assert_eq!(payments(house).len(), 3);
    let invoices = client.get("/v1/account/invoices");
    let states = invoices["invoices"].as_array().unwrap();
    assert!(
        states.iter().all(|one| one["state"] == "paid"),
        "{invoices}"
    );
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}

fn a_card_of_another_account_is_not_finished(house: &House) {
    let stripe = furnish(house);
    let served = Served::start(house);
    let (one, other) = (
        Client::of(house, &served, "acc-1"),
        Client::of(house, &served, "acc-2"),
    );
    let setup = begin(&one);
    stripe.confirm_setup(&setup, CardScript::succeeds());
    // Neither by who was never at the provider, nor by who was.
    for _ in 0..2 {
        let reply = finish(&other, &setup);
        assert_eq!(reply.status, 404, "{reply:?}");
        begin(&other);
    }
    assert_eq!(finish(&one, "seti_unknown").status, 404);
    assert_eq!((listed(&one).len(), listed(&other).len()), (0, 0));
    assert_eq!(finish(&one, &setup).status, 200);
    assert_eq!((listed(&one).len(), listed(&other).len()), (1, 0));
    // Nor is it the other's to prefer or remove.
    let id = listed(&one)[0]["id"].as_str().unwrap().to_owned();
    for (method, path) in [
        ("PUT", format!("{METHODS}/{id}/preferred")),
        ("DELETE", format!("{METHODS}/{id}")),
    ] {
        assert_eq!(other.send(method, &path, None).status, 404);
    }
    assert_eq!(listed(&one).len(), 1);
}

fn mandate() -> Value {
    json!({ "name": "Jan Kowalski", "iban": IBAN, "locale": "en" })
}

#[track_caller]
fn offer(client: &Client<'_>, terms: &Value) -> Value {
    let reply = client.post(&format!("{METHODS}/mandates/offer"), terms);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["mandate"].clone()
}

fn a_mandate_is_read_and_signed(house: &House) {
    let _stripe = furnish(house);
    bill(house, &["acc-1"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let offered = offer(&client, &mandate());
    let text = offered["text"].as_str().unwrap();
    assert!(text.contains("Jan Kowalski"), "{text}");
    assert_eq!(listed(&client).len(), 0, "an offer is kept");
    let mut signed = mandate();
    signed["reference"] = offered["reference"].clone();
    let reply = client.post(
        &format!("{METHODS}/mandates"),
        &json!({ "mandate": signed }),
    );
    assert_eq!(reply.status, 201, "{reply:?}");
    let told = reply.json();
    let shown = &told["payment_method"]["mandate"];
    assert_eq!(shown["reference"], offered["reference"]);
    assert_eq!(shown["text"], offered["text"]);
    assert!(!told.to_string().contains(IBAN), "{told}");
    for charged in told["invoices"].as_array().unwrap() {
        assert_eq!(charged["state"], "waits_for_file", "{told}");
    }
    assert_eq!(told["invoices"].as_array().unwrap().len(), 3);
    let evidence = house.run(&["method", "list", "acc-1", "--json"]).json();
    let evidence = &evidence[0]["mandate"];
    assert_eq!(evidence["signed_from"], "127.0.0.1");
    assert_eq!(evidence["signed_on"], "2026-11-02");
    // What was signed once is not signed again: the next mandate has another reference.
    let again = client.post(&format!("{METHODS}/mandates"), &signed);
    assert_eq!(again.status, 422, "{again:?}");
    assert_eq!(
        again.json(),
        field(
            "reference",
            "is not the next mandate's any more: show the text again"
        )
    );
    house.run(&["verify"]);
}

fn what_is_wrong_with_a_mandate_is_said(house: &House) {
    let _stripe = furnish(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let with = |name: &str, value: Value| {
        let mut terms = mandate();
        terms[name] = value;
        terms
    };
    for (terms, name, reason) in [
        (
            with("iban", json!("DE8937")),
            "iban",
            "has wrong check digits",
        ),
        (with("iban", json!(null)), "iban", "is missing"),
        (
            with("iban", json!("US64SVBKUS6S3300958879")),
            "iban",
            "is of a country outside SEPA (EPC409-09)",
        ),
        (
            with("bic", json!("x")),
            "bic",
            "is not a BIC of 8 or 11 capital letters and digits such as DEUTDEFF",
        ),
        (with("name", json!("")), "name", "is missing"),
        (
            with("scheme", json!("COR1")),
            "scheme",
            "is neither CORE nor B2B",
        ),
        (
            with("locale", json!("de")),
            "locale",
            "is neither en nor fr",
        ),
        (
            with("iban", json!(7)),
            "iban",
            "invalid type: integer `7`, expected a string",
        ),
    ] {
        let reply = client.post(&format!("{METHODS}/mandates/offer"), &terms);
        assert_eq!(reply.status, 422, "{terms}: {reply:?}");
        assert_eq!(reply.json(), field(name, reason), "{terms}");
    }
    let unread = client.post(&format!("{METHODS}/mandates"), &mandate());
    assert_eq!(
        unread.json(),
        field("reference", "can't be blank: ask for the text first")
    );
    assert_eq!(listed(&client).len(), 0);
}

fn the_preferred_one_is_charged_and_a_removed_one_not(house: &House) {
    let stripe = furnish(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let ids = [(); 3].map(|()| {
        let setup = begin(&client);
        stripe.confirm_setup(&setup, CardScript::succeeds());
        let told = finish(&client, &setup).json();
        told["payment_method"]["id"].as_str().unwrap().to_owned()
    });
    let preferred = |client: &Client<'_>| -> Vec<String> {
        let all = listed(client).into_iter();
        all.filter(|one| one["is_preferred"] == true)
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(preferred(&client), [ids[2].clone()]);
    let reply = client.send("PUT", &format!("{METHODS}/{}/preferred", ids[0]), None);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["payment_method"]["is_preferred"], true);
    assert_eq!(preferred(&client), [ids[0].clone()]);
    let reply = client.send("DELETE", &format!("{METHODS}/{}", ids[0]), None);
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(preferred(&client), [ids[2].clone()]);
    assert_eq!(listed(&client).len(), 2);
    for gone in [ids[0].as_str(), "99", "0x1", "-1", "99999999999999999999"] {
        let reply = client.send("DELETE", &format!("{METHODS}/{gone}"), None);
        assert_eq!(reply.status, 404, "{gone}: {reply:?}");
    }
    // Who did it is kept.
    let audit = house
        .watch()
        .texts("SELECT actor FROM audit_entry WHERE action LIKE 'method_%'");
    assert_eq!(audit, ["customer", "customer"]);
}

fn a_house_without_providers_says_so(house: &House) {
    super::furnish_api(house, 10_000);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    for (path, body, error) in [
        (
            "payment-methods/cards",
            json!({}),
            "cards are not taken here",
        ),
        (
            "payment-methods/mandates/offer",
            mandate(),
            "direct debits are not taken here",
        ),
        (
            "billing/credit-purchases",
            json!({ "amount": 5_000 }),
            "credit is not sold here",
        ),
    ] {
        let reply = client.post(&format!("/v1/account/{path}"), &body);
        assert_eq!(reply.status, 409, "{reply:?}");
        assert_eq!(reply.json(), json!({ "error": error }));
    }
}
