//! What was issued to an account, and what it paid.

use serde_json::{Value, json};

use super::{Client, furnish_api, furnish_api_with};
use crate::cards::section;
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, StripeFake};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    an_invoice_is_shown_as_it_stands,
    what_became_of_charging_it_is_shown,
    lists_come_in_pages,
    an_invoice_is_downloaded_by_a_link_of_minutes,
    what_moved_money_is_told,
);

const BY: [&str; 4] = ["--by", "ada", "--reason", "outage"];

fn billed(house: &House) {
    furnish_api(house, 1_000);
    house.run(&["run", "2026-10"]);
}

/// The only invoice of an account, as the CLI has it.
fn issued(house: &House, account: &str) -> Value {
    let all = house.invoices("2026-10");
    let mut own = all
        .into_iter()
        .filter(|invoice| invoice["account"] == account);
    own.next().unwrap()
}

fn grant(house: &House, account: &str, amount: &str) {
    let mut args = vec!["credit", "grant", account, amount];
    args.extend(BY);
    house.run(&args);
}

fn an_invoice_is_shown_as_it_stands(house: &House) {
    billed(house);
    let issued = issued(house, "acc-1");
    let number = issued["number"].as_str().unwrap();
    let path = format!("/v1/account/invoices/{number}");
    {
        let served = Served::start(house);
        let client = Client::of(house, &served, "acc-1");
        let listed = client.get("/v1/account/invoices");
        let shown = client.get(&path);
        assert_eq!(listed["invoices"], json!([shown["invoice"]]));
        let invoice = &shown["invoice"];
        for (field, expected) in [
            ("id", json!(number)),
            ("invoice_number", json!(number)),
            ("billing_month", json!("2026-10-01")),
            ("state", json!("new")),
            ("total_price", issued["net_minor"].clone()),
            ("total_price_with_vat", issued["total_minor"].clone()),
            ("open_price", issued["total_minor"].clone()),
            ("vat_rate", json!(200)),
            ("pdf_url", json!(format!("{path}/download"))),
        ] {
            assert_eq!(invoice[field], expected, "{field}: {invoice}");
        }
        // The same money, summed up twice.
        for items in ["items", "detailed_items"] {
            let items = invoice[items].as_array().unwrap();
            let prices = items.iter().map(|item| item["price"].as_i64().unwrap());
            assert_eq!(prices.sum::<i64>(), invoice["total_price"], "{invoice}");
            assert!(
                items
                    .iter()
                    .all(|item| item["id"].is_string() && item["label"] != "")
            );
        }
        let lines = issued["lines"].as_array().unwrap();
        assert_eq!(
            invoice["detailed_items"].as_array().unwrap().len(),
            lines.len()
        );
        assert_eq!(invoice["detailed_items"][0]["app"], lines[0]["app"]);
        assert_eq!(
            invoice["detailed_items"][0]["duration"],
            lines[0]["minutes"]
        );

        // Paid under its eyes.
        let total = issued["total_minor"].as_i64().unwrap();
        grant(
            house,
            "acc-1",
            &format!("{}.{:02}", total / 100, total % 100),
        );
        house.run(&["collect", "--yes", "--account", "acc-1"]);
        let invoice = &client.get(&path)["invoice"];
        assert_eq!(invoice["state"], "paid");
        assert_eq!(invoice["open_price"], 0);
    }
    // Nobody pays the other's, and its day is over.
    house.set_now("2026-11-05T09:00:00Z");
    let served = Served::start(house);
    let other = Client::of(house, &served, "acc-2");
    assert_eq!(
        other.get("/v1/account/invoices")["invoices"][0]["state"],
        "failed"
    );
    for id in [number, "Q-2026-999999", "x", "Q-2026-0000010"] {
        let reply = other.send("GET", &format!("/v1/account/invoices/{id}"), None);
        assert_eq!(reply.status, 404, "{id}: {reply:?}");
        assert_eq!(
            reply.json(),
            json!({ "resource": "Invoice", "error": "not found" })
        );
    }
}

/// New, declined on the day it is due, under way, paid: each as the attempts tell it.
fn what_became_of_charging_it_is_shown(house: &House) {
    let stripe = StripeFake::start();
    let section = section(house, &stripe, "tries = 1");
    furnish_api_with(house, 1_000, &section);
    house.run(&["run", "2026-10"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let state = || {
        let listed = client.get("/v1/account/invoices");
        listed["invoices"][0]["state"].clone()
    };
    assert_eq!(state(), "new");
    let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
    let intent = setup["setup_intent"].as_str().unwrap();
    stripe.confirm_setup(intent, CardScript::succeeds());
    stripe.faults().push(Fault::Decline("insufficient_funds"));
    house.try_run(&["method", "finish-card", intent]);
    assert_eq!(state(), "failed");
    // Whether it was charged nobody knows yet: nobody is told that it failed.
    stripe.faults().push(Fault::BrokenOffAfter);
    house.try_run(&["collect", "--account", "acc-2", "--method", "card", "--yes"]);
    assert_eq!(state(), "new");
    house.try_run(&["reconcile"]);
    assert_eq!(state(), "paid");
}

fn lists_come_in_pages(house: &House) {
    billed(house);
    for (now, month) in [
        ("2026-12-02T09:00:00Z", "2026-11"),
        ("2027-01-02T09:00:00Z", "2026-12"),
    ] {
        house.set_now(now);
        house.run(&["run", month]);
    }
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let all = client.get("/v1/account/invoices")["invoices"].clone();
    let months: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| &invoice["billing_month"])
        .collect();
    assert_eq!(months, ["2026-12-01", "2026-11-01", "2026-10-01"]);
    for (query, expected, current, prev, next) in [
        ("?page=1&per_page=1", vec![0], 1, None, Some(2)),
        ("?page=2&per_page=1", vec![1], 2, Some(1), Some(3)),
        ("?page=3&per_page=1", vec![2], 3, Some(2), None),
        ("?page=4&per_page=1", vec![], 4, Some(3), None),
        ("?page=1&per_page=2", vec![0, 1], 1, None, Some(2)),
        ("?page=2&per_page=2", vec![2], 2, Some(1), None),
        // As the Go client asks.
        ("?", vec![0, 1, 2], 1, None, None),
    ] {
        let page = client.get(&format!("/v1/account/invoices{query}"));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|at: usize| all[at].clone())
            .collect();
        assert_eq!(page["invoices"], json!(expected), "{query}");
        let pagination = &page["meta"]["pagination"];
        let total_pages = match query {
            "?" => 1,
            query if query.ends_with("per_page=2") => 2,
            _ => 3,
        };
        assert_eq!(
            *pagination,
            json!({
                "current_page": current, "prev_page": prev, "next_page": next,
                "total_pages": total_pages, "total_count": 3,
            }),
            "{query}"
        );
    }
    for query in ["?page=-1", "?page=x", "?per_page=", "?page=99999999999"] {
        let reply = client.send("GET", &format!("/v1/account/invoices{query}"), None);
        assert_eq!(reply.status, 422, "{query}: {reply:?}");
    }
}

fn an_invoice_is_downloaded_by_a_link_of_minutes(house: &House) {
    billed(house);
    let number = issued(house, "acc-1")["number"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/account/invoices/{number}/download");
    let link = {
        let served = Served::start(house);
        let client = Client::of(house, &served, "acc-1");
        let reply = client.send("GET", &path, None);
        assert_eq!(reply.status, 302, "{reply:?}");
        let link = reply.headers["location"].to_str().unwrap().to_owned();
        // Whoever has the link needs no token.
        let reply = served.send(served.request("GET", &link));
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.headers["content-type"], "application/pdf");
        assert_eq!(
            reply.headers["content-disposition"],
            format!("attachment; filename=\"{number}.pdf\"")
        );
        assert_eq!(reply.headers["cache-control"], "no-store");
        let pdf = house.path("own.pdf");
        house.run(&["invoice", "pdf", &number, "-o", pdf.to_str().unwrap()]);
        let expected = std::fs::read(&pdf).unwrap();
        assert_eq!(reply.headers["content-length"], expected.len().to_string());

        let of_another = issued(house, "acc-2");
        let of_another = of_another["number"].as_str().unwrap();
        for wrong in [
            link.replace(&number, of_another),
            link.replace("expires=", "expires=9"),
            link.replace("key=a", "key=b"),
            link.replace("signature=", "signature=A"),
            format!("/v1/downloads/{number}"),
            format!("/v1/downloads/{number}?expires=x&key=a&signature="),
        ] {
            let reply = served.send(served.request("GET", &wrong));
            assert_eq!(reply.status, 403, "{wrong}: {reply:?}");
            assert_eq!(
                reply.json()["error"],
                "the link has expired, or is not ours"
            );
        }
        let other = Client::of(house, &served, "acc-2");
        assert_eq!(other.send("GET", &path, None).status, 404);
        link
    };
    house.set_now("2026-11-02T10:00:00Z");
    let served = Served::start(house);
    let reply = served.send(served.request("GET", &link));
    assert_eq!(reply.status, 403, "{reply:?}");
}

fn what_moved_money_is_told(house: &House) {
    billed(house);
    let own = issued(house, "acc-1");
    let total = own["total_minor"].as_i64().unwrap();
    let more = total + 500;
    grant(house, "acc-1", &format!("{}.{:02}", more / 100, more % 100));
    house.run(&["collect", "--yes", "--account", "acc-1"]);
    let given_up = issued(house, "acc-2");
    let mut args = vec!["invoice", "write-off", given_up["number"].as_str().unwrap()];
    args.extend(BY);
    house.run(&args);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let told = operations(&client);
    let expected = json!([[total, "credit", own["number"]], [more, "house", null]]);
    assert_eq!(json!(told), expected);
    let page = client.get("/v1/account/billing/operations?page=2&per_page=1");
    assert_eq!(page["billing-operations"].as_array().unwrap().len(), 1);
    assert_eq!(page["meta"]["pagination"]["total_count"], 2);
    let other = Client::of(house, &served, "acc-2");
    let expected = json!([[given_up["total_minor"], "house", given_up["number"]]]);
    assert_eq!(json!(operations(&other)), expected);
    let third = Client::of(house, &served, "acc-3");
    assert_eq!(operations(&third), Vec::<Value>::new());
}

/// Amount, source and invoice of each.
fn operations(client: &Client<'_>) -> Vec<Value> {
    let told = client.get("/v1/account/billing/operations");
    let told = told["billing-operations"].as_array().unwrap().iter();
    told.map(|operation| {
        assert!(operation["created_at"].as_str().unwrap().ends_with('Z'));
        let of = operation["invoice_id"].clone();
        if !of.is_null() {
            let url = format!("/v1/account/invoices/{}", of.as_str().unwrap());
            assert_eq!(operation["invoice_url"], url);
        }
        json!([operation["amount"], operation["source"], of])
    })
    .collect()
}
