//! What happened to an account.

use std::collections::HashSet;

use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::keys::KEY;
use super::{Client, field, furnish_api, furnish_api_with};
use crate::cards::section;
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, StripeFake};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    what_happens_is_listed,
    events_are_read_by_pages,
    what_moves_money_is_listed,
);

/// What a client is shown, with the newest last: each kind with what is particular.
pub fn told(client: &Client<'_>) -> Vec<(String, Value)> {
    let listed = client.get("/v1/events?per_page=100");
    let events = listed["events"].as_array().unwrap().iter().rev();
    events
        .map(|event| {
            let kind = event["type"].as_str().unwrap().to_owned();
            (kind, event["type_data"].clone())
        })
        .collect()
}

fn what_happens_is_listed(house: &House) {
    furnish_api(house, 600);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let other = Client::of(house, &served, "acc-2");
    let key = client.post("/v1/keys", &json!({ "name": "laptop", "content": KEY }));
    let key = key.json()["key"].clone();
    let made = client.post("/v1/tokens", &json!({ "name": "ci" }));
    let made = made.json()["token"]["id"].clone();
    let path = format!("/v1/tokens/{}/renew", made.as_str().unwrap());
    let renewed = client.send("PUT", &path, None).json()["token"]["id"].clone();
    let path = format!("/v1/tokens/{}", renewed.as_str().unwrap());
    assert_eq!(client.send("DELETE", &path, None).status, 204);
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(client.send("DELETE", &path, None).status, 204);
    // What is refused did not happen.
    assert_eq!(client.send("DELETE", &path, None).status, 404);

    let events = told(&client);
    let (kind, first) = &events[0];
    assert_eq!(
        (kind.as_str(), &first["token_name"]),
        ("new_token", &json!("first"))
    );
    let of_key = json!({ "name": "laptop", "fingerprint": key["fingerprint"] });
    let of_token = |id| json!({ "token_name": "ci", "token_id": id });
    let expected = [
        ("new_key", of_key.clone()),
        ("new_token", of_token(&made)),
        ("regenerate_token", of_token(&renewed)),
        ("delete_token", of_token(&renewed)),
        ("delete_key", of_key),
    ];
    let expected = expected.map(|(kind, data)| (kind.to_owned(), data));
    assert_eq!(events[1..], expected);

    let newest = client.get("/v1/events?")["events"][0].clone();
    let user = json!({ "id": "acc-1", "email": "ada@example.com", "username": "ada" });
    assert_eq!(newest["user"], user);
    assert_eq!(newest["created_at"], "2026-11-02T08:00:00.000Z");
    // Nobody sees another's.
    assert_eq!(told(&other).len(), 1);
}

fn what_moves_money_is_listed(house: &House) {
    let stripe = StripeFake::start();
    let section = section(house, &stripe, "tries = 1");
    furnish_api_with(house, 600, &section);
    let by = ["--by", "eve", "--reason", "a gift"];
    let run = |args: &[&str]| house.run(&[args, &by].concat());
    house.run(&["run", "2026-10"]);
    let later = |minute: u32| house.set_now(&format!("2026-11-02T09:{minute:02}:00Z"));
    later(1);
    house.run(&[
        "voucher", "grant", "acc-2", "Welcome", "--amount", "1.00", "--from", "2026-11",
    ]);
    later(2);
    run(&["credit", "grant", "acc-2", "1.50"]);
    later(3);
    let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
    let intent = setup["setup_intent"].as_str().unwrap();
    stripe.confirm_setup(intent, CardScript::succeeds());
    stripe.faults().push(Fault::Decline("insufficient_funds"));
    house.try_run(&["method", "finish-card", intent]);
    later(4);
    run(&["account", "suspend", "acc-2"]);
    later(5);
    run(&["account", "resume", "acc-2"]);
    later(6);
    house.run(&["collect", "--account", "acc-2", "--method", "card", "--yes"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let owed = house.invoices("2026-10");
    let own = owed.iter().find(|invoice| invoice["account"] == "acc-2");
    let total = own.unwrap()["total_minor"].as_i64().unwrap();
    // The Go client prints amounts as euros.
    let euros = |minor: i64| {
        let text = Decimal::new(minor, 2).normalize().to_string();
        text.parse::<Number>().unwrap()
    };
    let attempt = |minor: i64, method: &str, status: &str| {
        let data = json!({ "amount": euros(minor), "payment_method": method, "status": status });
        ("payment_attempt", data)
    };
    let mut expected = vec![
        (
            "add_voucher",
            json!({ "label": "Welcome", "code": "Welcome" }),
        ),
        (
            "add_credit",
            json!({ "payment_method": "house", "amount": 1.5 }),
        ),
        (
            "add_payment_method",
            json!({ "payment_method": "card", "payment_method_type": "card" }),
        ),
        attempt(total, "card", "failed"),
        ("stop_app", json!({ "reason": "staff" })),
        (
            "suspend_addon",
            json!({ "resource_id": "all addons", "addon_provider_name": "all", "reason": "staff" }),
        ),
        (
            "resume_addon",
            json!({ "resource_id": "all addons", "addon_provider_name": "all" }),
        ),
        attempt(total, "card", "paid"),
    ];
    let mut told = told(&client);
    // Its own first token is another story.
    told.retain(|(kind, _)| kind != "new_token");
    let mut seen: Vec<(&str, Value)> = told
        .iter()
        .map(|(kind, data)| (kind.as_str(), data.clone()))
        .collect();
    // Two of one moment may stand either way.
    seen.sort_by_key(|(kind, data)| format!("{kind}{data}"));
    expected.sort_by_key(|(kind, data)| format!("{kind}{data}"));
    assert_eq!(seen, expected);
    let listed = client.get("/v1/events?per_page=100");
    assert_eq!(listed["meta"]["pagination"]["total_count"], 9);
    let events = listed["events"].as_array().unwrap();
    let ids: HashSet<&str> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 9);
    let times: Vec<&str> = events
        .iter()
        .map(|event| event["created_at"].as_str().unwrap())
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer >= older),
        "{times:?}"
    );
}

fn events_are_read_by_pages(house: &House) {
    furnish_api(house, 600);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    for nth in 0..4 {
        client.post("/v1/tokens", &json!({ "name": format!("t{nth}") }));
    }
    let mut seen = Vec::new();
    for (page, prev, next) in [
        (1, None, Some(2)),
        (2, Some(1), Some(3)),
        (3, Some(2), None),
    ] {
        let listed = client.get(&format!("/v1/events?page={page}&per_page=2"));
        let meta = json!({ "pagination": {
            "current_page": page, "prev_page": prev, "next_page": next,
            "total_pages": 3, "total_count": 5,
        } });
        assert_eq!(listed["meta"], meta);
        for event in listed["events"].as_array().unwrap() {
            seen.push(
                event["type_data"]["token_name"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    assert_eq!(seen, ["t3", "t2", "t1", "t0", "first"]);
    // The Go client sends 0 for what it was not told.
    let listed = client.get("/v1/events?page=0&per_page=0");
    assert_eq!(listed["events"].as_array().unwrap().len(), 5);
    let beyond = client.get("/v1/events?page=9");
    assert_eq!(beyond["events"], json!([]));
    assert_eq!(beyond["meta"]["pagination"]["next_page"], Value::Null);
    let refused = client.send("GET", "/v1/events?per_page=ten", None);
    let answer = field("per_page", "is no whole number such as 1");
    assert_eq!((refused.status, refused.json()), (422, answer));
}
