//! A month's charges, as cost tools read them.

use std::collections::BTreeMap;

use super::{Client, furnish_api};
use crate::on_both;
use crate::support::{House, Served};

on_both!(a_month_is_exported_as_it_is_billed);

type Row = BTreeMap<String, String>;

#[track_caller]
fn export(client: &Client<'_>, query: &str) -> Vec<Row> {
    let path = format!("/v1/account/usage/focus.csv{query}");
    let reply = client.send("GET", &path, None);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    let mut reader = csv::Reader::from_reader(reply.text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// In cents.
fn billed(rows: &[Row]) -> i64 {
    let cents = |row: &Row| row["BilledCost"].replace('.', "").parse::<i64>().unwrap();
    rows.iter().map(cents).sum()
}

fn a_month_is_exported_as_it_is_billed(house: &House) {
    furnish_api(house, 10_000);
    // The month's last moment.
    house.set_now("2026-10-31T22:59:59Z");
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let so_far = export(&client, "");
    assert!(so_far.iter().all(|row| row["InvoiceId"].is_empty()));
    drop(served);
    house.set_now("2026-11-02T08:00:00Z");
    house.run(&["run", "2026-10"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let mut issued = export(&client, "?month=2026-10");
    let invoice = client.get("/v1/account/invoices")["invoices"][0].clone();
    assert_eq!(
        invoice["total_price_with_vat"],
        billed(&issued),
        "{issued:?}"
    );
    assert!(issued.iter().any(|row| row["ChargeCategory"] == "Tax"));
    assert!(issued.iter().any(|row| row["ChargeCategory"] == "Usage"));
    for row in &mut issued {
        assert_eq!(row["InvoiceId"], invoice["id"].as_str().unwrap());
        row.insert("InvoiceId".to_owned(), String::new());
    }
    // What was shown before it was billed is what was billed.
    assert_eq!(so_far, issued);
    // What still runs is of this month, which is not billed.
    let current = export(&client, "");
    assert!(!current.is_empty() && current.iter().all(|row| row["InvoiceId"].is_empty()));
    for (query, status) in [
        ("?month=2026-09", 404),
        ("?month=2027-01", 404),
        ("?month=october", 422),
        ("?month=2026-10&month=2026-10", 422),
    ] {
        let path = format!("/v1/account/usage/focus.csv{query}");
        assert_eq!(client.send("GET", &path, None).status, status, "{query}");
    }
}
