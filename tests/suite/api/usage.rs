//! Usage and its price, before there is an invoice of it.

use serde_json::{Value, json};

use super::{Client, field, furnish_api};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    the_month_so_far_comes_to_what_its_invoice_will,
    days_are_priced_as_the_invoice_will_be,
);

/// The month so far at the last moment of it is the invoice, to the cent: discounts,
/// vouchers, free trials and VAT included.
fn the_month_so_far_comes_to_what_its_invoice_will(house: &House) {
    furnish_api(house, 1_000);
    let accounts = ["acc-1", "acc-2", "acc-3"];
    let mut before = Vec::new();
    for at in ["2026-10-10T12:00:00Z", "2026-10-31T22:59:59.999999Z"] {
        house.set_now(at);
        let served = Served::start(house);
        before = Vec::new();
        for account in accounts {
            let client = Client::of(house, &served, account);
            let usage = client.get("/v1/account/usage")["usage"].clone();
            assert_eq!(usage["from"], "2026-09-30T22:00:00.000Z");
            let sum: i64 = prices(&usage).iter().sum();
            assert_eq!(json!(sum), usage["total_price"], "{usage}");
            before.push(usage);
        }
    }
    house.set_now("2026-11-02T09:00:00Z");
    house.run(&["run", "2026-10"]);
    let served = Served::start(house);
    let mut billed = 0;
    for (account, usage) in accounts.iter().zip(before) {
        let client = Client::of(house, &served, account);
        let invoices = client.get("/v1/account/invoices")["invoices"].clone();
        let Some(invoice) = invoices.as_array().unwrap().first() else {
            assert_eq!(usage["total_price_with_vat"], 0, "{account}: {usage}");
            continue;
        };
        billed += 1;
        for total in ["total_price", "total_price_with_vat"] {
            assert_eq!(usage[total], invoice[total], "{account}: {usage} {invoice}");
        }
        let items = invoice["detailed_items"].as_array().unwrap();
        let items: Vec<_> = items
            .iter()
            .map(|item| item["price"].as_i64().unwrap())
            .collect();
        assert_eq!(prices(&usage), items, "{account}");
    }
    assert!(billed >= 2);
}

fn prices(usage: &Value) -> Vec<i64> {
    let items = usage["items"].as_array().unwrap().iter();
    items.map(|item| item["price"].as_i64().unwrap()).collect()
}

fn minutes(usage: &Value) -> i64 {
    let items = usage["items"].as_array().unwrap().iter();
    items.map(|item| item["minutes"].as_i64().unwrap()).sum()
}

fn days_are_priced_as_the_invoice_will_be(house: &House) {
    furnish_api(house, 1_000);
    house.run(&["run", "2026-10"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let of = |query: &str| client.get(&format!("/v1/account/usage?{query}"))["usage"].clone();
    let month = of("from=2026-10-01&to=2026-10-31");
    assert_eq!(month["from"], "2026-09-30T22:00:00.000Z");
    assert_eq!(month["to"], "2026-10-31T23:00:00.000Z");
    let invoice = client.get("/v1/account/invoices")["invoices"][0].clone();
    assert_eq!(month["total_price"], invoice["total_price"], "{month}");
    // Two halves are the whole, but for the minute that each begins.
    let halves = [
        "from=2026-10-01&to=2026-10-15",
        "from=2026-10-16&to=2026-10-31",
    ];
    let sum: i64 = halves.iter().map(|half| minutes(&of(half))).sum();
    let lines = i64::try_from(month["items"].as_array().unwrap().len()).unwrap();
    assert!((sum - minutes(&month)).abs() <= lines, "{sum} {month}");
    // It has not happened yet.
    let ahead = of("from=2026-12-01&to=2026-12-31");
    assert_eq!(
        (&ahead["items"], &ahead["total_price"]),
        (&json!([]), &json!(0))
    );

    for (query, answer) in [
        (
            "from=2026-10-31&to=2026-10-01",
            field("to", "the range ends before it begins"),
        ),
        (
            "from=2024-10-01&to=2026-10-01",
            field("to", "the range is longer than a year"),
        ),
        ("from=2026-10-01", field("to", "can't be blank")),
        ("to=2026-10-01", field("from", "can't be blank")),
        (
            "from=x&to=2026-10-01",
            field("from", "is not a day such as 2026-11-01"),
        ),
        (
            "from=2026-02-30&to=2026-10-01",
            field("from", "is not a day such as 2026-11-01"),
        ),
    ] {
        let reply = client.send("GET", &format!("/v1/account/usage?{query}"), None);
        assert_eq!((reply.status, reply.json()), (422, answer), "{query}");
    }
}
