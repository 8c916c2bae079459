//! Prepaid credit, bought by customers over the API.

use serde_json::{Value, json};

use super::{Client, field, furnish_api_with};
use crate::collect::bill;
use crate::fakes::Fault;
use crate::fakes::paypal::PayPalFake;
use crate::on_both;
use crate::paypal::desk;
use crate::support::{House, Reply, Served};

on_both!(
    credit_is_bought_once_approved_and_pays_what_is_unpaid,
    a_hundred_top_ups_at_once_are_credited_once_each,
    what_is_no_purchase_is_refused,
    a_lost_answer_is_no_second_purchase,
);

const PURCHASES: &str = "/v1/account/billing/credit-purchases";

fn furnish(house: &House) -> PayPalFake {
    let fake = PayPalFake::start();
    furnish_api_with(house, 100_000, &desk::section(house, &fake, 0));
    fake
}

fn buy(client: &Client<'_>, amount: i64) -> Reply {
    client.post(
        PURCHASES,
        &json!({ "credit_purchase": { "amount": amount } }),
    )
}

fn capture(client: &Client<'_>, id: &str) -> Reply {
    client.post(&format!("{PURCHASES}/{id}/capture"), &json!({}))
}

/// The order that an answer has the customer approve.
fn order(purchase: &Value) -> String {
    let url = purchase["approve_url"].as_str().unwrap();
    url.rsplit('=').next().unwrap().to_owned()
}

fn credit_is_bought_once_approved_and_pays_what_is_unpaid(house: &House) {
    let fake = furnish(house);
    bill(house, &["acc-2"]);
    let owed: i64 = house.watch().count(
        "SELECT CAST(SUM(i.total_minor) AS BIGINT) FROM invoice i JOIN account a ON a.id = i.account_id \
         WHERE a.external_id = 'acc-2'",
    );
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let reply = buy(&client, owed + 100);
    assert_eq!(reply.status, 201, "{reply:?}");
    let bought = reply.json()["credit_purchase"].clone();
    let id = bought["id"].as_str().unwrap();
    assert_eq!(bought["state"], "pending");
    assert_eq!(
        (&bought["amount"], &bought["currency"]),
        (&json!(owed + 100), &json!("EUR"))
    );
    let early = capture(&client, id);
    assert_eq!(early.status, 200, "{early:?}");
    assert_eq!(early.json()["credit_purchase"]["state"], "pending");
    assert_eq!(
        early.json()["credit_purchase"]["approve_url"],
        bought["approve_url"]
    );
    // Another account neither sees nor takes it.
    let other = Client::of(house, &served, "acc-1");
    assert_eq!(capture(&other, id).status, 404);
    assert_eq!(other.get(PURCHASES), json!({ "credit_purchases": [] }));
    fake.approve(&order(&bought));
    let done = capture(&client, id).json();
    assert_eq!(done["credit_purchase"]["state"], "succeeded", "{done}");
    let paid = done["invoices"].as_array().unwrap();
    assert_eq!(paid.len(), 3, "{done}");
    assert!(paid.iter().all(|one| one["state"] == "paid"), "{done}");
    assert_eq!(capture(&client, id).json()["invoices"], json!([]));
    let listed = client.get(PURCHASES)["credit_purchases"].clone();
    assert_eq!(listed[0]["state"], "succeeded", "{listed}");
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let left = house.run(&["credit", "show", "acc-2", "--json"]).json();
    assert_eq!(left["balance_minor"], 100);
    assert_eq!(fake.captured_minor(), owed + 100);
    house.run(&["verify"]);
}

fn a_hundred_top_ups_at_once_are_credited_once_each(house: &House) {
    const TOP_UPS: usize = 100;
    let fake = furnish(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let amounts: Vec<i64> = (0..TOP_UPS)
        .map(|no| 500 + i64::try_from(no).unwrap())
        .collect();
    let bodies = amounts.iter().map(|amount| json!({ "amount": amount }));
    let bought = client.all_at_once(bodies.map(|body| ("POST", PURCHASES.to_owned(), Some(body))));
    let mut ids = Vec::new();
    for reply in &bought {
        assert_eq!(reply.status, 201, "{reply:?}");
        let purchase = &reply.json()["credit_purchase"];
        fake.approve(&order(purchase));
        ids.push(purchase["id"].as_str().unwrap().to_owned());
    }
    // Each is captured twice, and nobody waits for anybody.
    let twice = ids.iter().chain(&ids);
    let captured = client.all_at_once(
        twice.map(|id| ("POST", format!("{PURCHASES}/{id}/capture"), Some(json!({})))),
    );
    assert_eq!(captured.len(), 2 * TOP_UPS);
    for reply in &captured {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let sum: i64 = amounts.iter().sum();
    assert_eq!(fake.captured_minor(), sum);
    let credit = house.run(&["credit", "show", "acc-1", "--json"]).json();
    assert_eq!(credit["balance_minor"], sum);
    let moved = credit["movements"].as_array().unwrap();
    assert_eq!(moved.len(), TOP_UPS);
    let mut each: Vec<i64> = moved
        .iter()
        .map(|one| one["amount_minor"].as_i64().unwrap())
        .collect();
    each.sort_unstable();
    assert_eq!(each, amounts);
    house.run(&["verify"]);
}

fn what_is_no_purchase_is_refused(house: &House) {
    let fake = furnish(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    for (body, reason) in [
        (json!({}), "can't be blank"),
        (json!({ "amount": 499 }), "must be at least 5.00 EUR"),
        (json!({ "amount": -5_000 }), "must be at least 5.00 EUR"),
        (
            json!({ "amount": 10_000_001 }),
            "must be at most 100,000.00 EUR",
        ),
        (
            json!({ "amount": i64::MAX }),
            "must be at most 100,000.00 EUR",
        ),
        (
            json!({ "amount": "5000" }),
            "invalid type: string \"5000\", expected i64",
        ),
        (
            json!({ "amount": 50.5 }),
            "invalid type: floating point `50.5`, expected i64",
        ),
    ] {
        let reply = client.post(PURCHASES, &body);
        assert_eq!(reply.status, 422, "{body}: {reply:?}");
        assert_eq!(reply.json(), field("amount", reason), "{body}");
    }
    for id in ["x", "0", "ffffffff-ffff-7fff-bfff-ffffffffffff"] {
        assert_eq!(capture(&client, id).status, 404, "{id}");
    }
    assert_eq!(client.get(PURCHASES), json!({ "credit_purchases": [] }));
    assert_eq!(fake.captured_minor(), 0);
}

fn a_lost_answer_is_no_second_purchase(house: &House) {
    let fake = furnish(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let bought = buy(&client, 5_000).json()["credit_purchase"].clone();
    fake.approve(&order(&bought));
    fake.faults().push(Fault::BrokenOffAfter);
    let id = bought["id"].as_str().unwrap();
    let lost = capture(&client, id);
    assert_eq!(lost.status, 503, "{lost:?}");
    assert_eq!(
        lost.json(),
        json!({ "error": "not available at the moment: try again in a few minutes" })
    );
    assert_eq!(
        client.get(PURCHASES)["credit_purchases"][0]["state"],
        "pending"
    );
    assert_eq!(
        capture(&client, id).json()["credit_purchase"]["state"],
        "succeeded"
    );
    assert_eq!(fake.captured_minor(), 5_000);
    let credit = house.run(&["credit", "show", "acc-1", "--json"]).json();
    assert_eq!(credit["balance_minor"], 5_000);
}
