//! The billing profile, and the invoices that print it.

use serde_json::{Value, json};

use super::{Client, field, furnish_api};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    the_next_invoice_prints_what_was_changed,
    a_country_or_vat_number_taxes_the_next_invoice,
    what_is_wrong_is_said_of_each_field,
    a_profile_is_filled_in_once,
);

const PROFILE: &str = "/v1/account/billing/profile";

#[track_caller]
fn update(client: &Client<'_>, id: &str, change: &Value) -> Value {
    let body = json!({ "profile": change });
    let reply = client.send("PUT", &format!("/profiles/{id}"), Some(&body));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["profile"].clone()
}

fn the_next_invoice_prints_what_was_changed(house: &House) {
    furnish_api(house, 10_000);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let before = client.get(PROFILE)["billing_profile"].clone();
    assert_eq!(client.get("/profile")["profile"], before);
    assert_eq!(before["credit"], "0.00");
    assert_eq!(before["payment_method"], Value::Null);
    assert_eq!(before["flags"], json!([]));
    let changed = update(
        &client,
        "acc-1",
        &json!({ "address_line2": "Bâtiment C", "invoice_additional_info": "PO 4711", "email": before["email"] }),
    );
    let mut expected = before;
    expected["address_line2"] = json!("Bâtiment C");
    expected["invoice_additional_info"] = json!("PO 4711");
    assert_eq!(changed, expected);
    // To ask for the same is no other version.
    update(&client, "acc-1", &json!({ "address_line2": "Bâtiment C" }));
    let versions = "SELECT COUNT(*) FROM billing_profile p JOIN account a ON a.id = p.account_id \
                    WHERE a.external_id = 'acc-1'";
    assert_eq!(house.watch().count(versions), 2);
    house.run(&["run", "2026-10"]);
    let invoices = client.get("/v1/account/invoices");
    let number = invoices["invoices"][0]["id"].as_str().unwrap();
    let shown = house.run(&["invoice", "xml", number]).stdout;
    for expected in [
        "<ram:LineTwo>Bâtiment C</ram:LineTwo>",
        "<ram:Content>PO 4711</ram:Content>",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    // What is issued stays as it is.
    update(
        &client,
        "acc-1",
        &json!({ "invoice_additional_info": "PO 4712" }),
    );
    let again = house.run(&["invoice", "xml", number]).stdout;
    assert_eq!(again, shown);
    house.run(&["verify"]);
}

fn a_country_or_vat_number_taxes_the_next_invoice(house: &House) {
    furnish_api(house, 10_000);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let change =
        json!({ "company": "Kraft GmbH", "address_country": "DE", "vat_number": "DE136695976" });
    update(&client, "acc-1", &change);
    house.run(&["run", "2026-10"]);
    let invoice = client.get("/v1/account/invoices")["invoices"][0].clone();
    assert_eq!(invoice["vat_rate"], 0, "{invoice}");
    assert_eq!(invoice["total_price"], invoice["total_price_with_vat"]);
}

fn what_is_wrong_is_said_of_each_field(house: &House) {
    furnish_api(house, 10_000);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let before = client.get(PROFILE);
    for (change, name, reason) in [
        (
            json!({ "vat_number": "FR41303265045" }),
            "vat_number",
            "is no valid VAT number of FR",
        ),
        (
            json!({ "address_city": "" }),
            "address_city",
            "can't be blank",
        ),
        (
            json!({ "address_country": "Freedonia" }),
            "address_country",
            "is no country's code of two letters such as FR (ISO 3166-1)",
        ),
        (
            json!({ "email": "other@example.com" }),
            "email",
            "is the account's: change it there, it has to be confirmed",
        ),
        (
            json!({ "name": 7 }),
            "name",
            "invalid type: integer `7`, expected a string",
        ),
    ] {
        let reply = client.send("PUT", "/profiles/acc-1", Some(&change));
        assert_eq!(reply.status, 422, "{change}: {reply:?}");
        assert_eq!(reply.json(), field(name, reason), "{change}");
    }
    for id in ["acc-2", "x"] {
        let reply = client.send(
            "PUT",
            &format!("/profiles/{id}"),
            Some(&json!({ "name": "N" })),
        );
        assert_eq!(reply.status, 404, "{id}: {reply:?}");
    }
    assert_eq!(client.get(PROFILE), before);
}

fn a_profile_is_filled_in_once(house: &House) {
    furnish_api(house, 10_000);
    house.edit("UPDATE billing_profile SET address_line1 = ''");
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let body = json!({ "profile": { "name": "Ada", "address_line1": "1 rue du Port", "address_zip": "67000", "address_city": "Strasbourg" } });
    let reply = client.post("/profiles", &body);
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(reply.json()["profile"]["address_line1"], "1 rue du Port");
    let again = client.post("/profiles", &body);
    assert_eq!(again.status, 409, "{again:?}");
    assert_eq!(
        again.json(),
        json!({ "error": "there is a billing profile: change that one" })
    );
}
