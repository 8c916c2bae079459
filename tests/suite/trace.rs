//! A real cluster's month, billed and reckoned again here, to the cent.

#[path = "../../examples/cluster_trace/convert/mod.rs"]
mod convert;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde_json::Value;

use crate::on_both;
use crate::support::House;

on_both!(every_account_of_a_real_cluster_is_billed_to_the_cent);

const MONTH: &str = "2026-10";
/// 2026-09-30T22:00:00Z and 2026-10-31T23:00:00Z: October in Paris.
const MONTH_START: i64 = 1_790_805_600;
const MONTH_END: i64 = MONTH_START + (31 * 24 + 1) * 3_600;

const SETTINGS: &str = include_str!("../../deploy/quittance.toml");
/// Low enough that some accounts of the trace are parked.
const LIMIT_MINOR: i64 = 200_000;

/// The trace; `None` where it is not at hand, which in CI is a failure.
fn trace() -> Option<PathBuf> {
    let folder = std::env::var_os("QUITTANCE_TRACES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces"),
        PathBuf::from,
    );
    let path = folder.join("openb_pod_list_default.csv");
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "no trace at {}: set QUITTANCE_TRACES",
        path.display()
    );
    eprintln!("SKIPPED: no trace at {}", path.display());
    None
}

/// What an account owes: its lines, as (app, type, plan, minutes, cents), and
/// its sums.
#[derive(Debug, PartialEq, Eq)]
struct Bill {
    lines: Vec<(String, String, String, i64, i64)>,
    net_minor: i64,
    vat: (String, i64),
    total_minor: i64,
}

/// The unit price of a size, in units of 0.0000000001 EUR a minute: its price
/// of 30 days over 43,200.
fn unit_price(plan: &str) -> i64 {
    match plan {
        "S" => 1_666_667,
        "M" => 3_333_333,
        "L" => 6_666_667,
        "XL" => 13_333_333,
        "2XL" => 26_666_667,
        "3XL" => 53_333_333,
        other => panic!("{other:?} is no size"),
    }
}

/// The VAT of an account of this country, in percent.
fn vat_rate(country: &str) -> (&'static str, i64) {
    match country {
        "FR" => ("S", 20),
        "PL" => ("S", 23),
        "DE" => ("AE", 0),
        "CH" => ("O", 0),
        other => panic!("{other:?} is no country of the trace's accounts"),
    }
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let row = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| row(record.unwrap()))
        .collect()
}

fn seconds(time: &str) -> i64 {
    DateTime::parse_from_rfc3339(time).unwrap().timestamp()
}

/// Every account's bill from the rows of the files, in whole numbers and
/// without a line of the program's own.
fn reckon(accounts: &Path, usage: &Path) -> BTreeMap<String, Bill> {
    let mut sums: BTreeMap<(String, String, String, String), i64> = BTreeMap::new();
    for row in rows(usage) {
        let [
            _,
            account,
            app,
            _,
            resource_type,
            plan,
            quantity,
            started_at,
            ended_at,
        ] = <[String; 9]>::try_from(row).unwrap();
        let start = seconds(&started_at).max(MONTH_START);
        let end = match ended_at.as_str() {
            "" => MONTH_END,
            time => seconds(time).min(MONTH_END),
        };
        let line = sums.entry((account, app, resource_type, plan)).or_default();
        *line += (end - start).max(0) * quantity.parse::<i64>().unwrap();
    }
    let mut bills = BTreeMap::new();
    for row in rows(accounts) {
        let (account, (category, rate)) = (&row[0], vat_rate(&row[5]));
        let lines: Vec<_> = sums
            .iter()
            .filter(|((owner, ..), seconds)| owner == account && **seconds > 0)
            .map(|((_, app, resource_type, plan), seconds)| {
                let minutes = (seconds + 59) / 60;
                let amount_minor = (minutes * unit_price(plan) + 50_000_000) / 100_000_000;
                let names = (app.clone(), resource_type.clone(), plan.clone());
                (names.0, names.1, names.2, minutes, amount_minor)
            })
            .collect();
        let net_minor: i64 = lines.iter().map(|line| line.4).sum();
        let vat_minor = (net_minor * rate + 50) / 100;
        let bill = Bill {
            lines,
            net_minor,
            vat: (category.to_owned(), vat_minor),
            total_minor: net_minor + vat_minor,
        };
        // Without usage, or with too little of it, there is no invoice.
        if bill.net_minor > 0 {
            bills.insert(account.clone(), bill);
        }
    }
    bills
}

/// An invoice as its bill.
fn billed(invoice: &Value) -> (String, Bill) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let number = |value: &Value| value.as_i64().unwrap();
    let lines = invoice["lines"].as_array().unwrap().iter().map(|line| {
        assert_eq!(line["kind"], "container", "{line}");
        (
            text(&line["app"]),
            text(&line["type"]),
            text(&line["plan"]),
            number(&line["minutes"]),
            number(&line["amount_minor"]),
        )
    });
    let vat = invoice["vat"].as_array().unwrap();
    assert_eq!(vat.len(), 1, "{invoice}");
    assert_eq!(vat[0]["base_minor"], invoice["net_minor"]);
    assert_eq!(vat[0]["amount_minor"], invoice["vat_minor"]);
    let bill = Bill {
        lines: lines.collect(),
        net_minor: number(&invoice["net_minor"]),
        vat: (text(&vat[0]["category"]), number(&vat[0]["amount_minor"])),
        total_minor: number(&invoice["total_minor"]),
    };
    (text(&invoice["account"]), bill)
}

fn every_account_of_a_real_cluster_is_billed_to_the_cent(house: &House) {
    let Some(trace) = trace() else { return };
    let folder = house.path("trace");
    let accounts = NonZeroU32::new(200).unwrap();
    let summary = convert::convert(&trace, &folder, accounts, MONTH.parse().unwrap()).unwrap();
    assert_eq!(summary.pods, summary.usages + summary.never_ran);
    assert!(summary.usages > 7_000 && summary.running > 0, "{summary:?}");
    let (limit, low) = (
        "limit = \"100000\"",
        format!("limit = \"{}\"", LIMIT_MINOR / 100),
    );
    assert!(SETTINGS.contains(limit));
    house.file("quittance.toml", SETTINGS.replacen(limit, &low, 1));
    let import = |kind: &str| {
        let file = folder.join(format!("{kind}.csv"));
        house.run(&["import", kind, file.to_str().unwrap()]).stdout
    };
    for kind in ["catalog", "accounts", "usage"] {
        import(kind);
    }

    let bills = reckon(&folder.join("accounts.csv"), &folder.join("usage.csv"));
    let odd: BTreeSet<&str> = bills
        .iter()
        .filter(|(_, bill)| bill.total_minor > LIMIT_MINOR)
        .map(|(account, _)| account.as_str())
        .collect();
    assert!(!odd.is_empty() && odd.len() < 20, "{odd:?}");

    house.run(&["run", MONTH, "--workers", "2"]);
    let status = house.run(&["run", "status", MONTH, "--json"]).json();
    let parked: BTreeSet<&str> = status["parked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parked| parked["account"].as_str().unwrap())
        .collect();
    assert_eq!(parked, odd);
    house.run(&["verify"]);
    for account in odd {
        house.run(&[
            "run",
            "release",
            MONTH,
            account,
            "--by",
            "eve",
            "--reason",
            "looked at",
        ]);
    }

    let invoices = house.invoices(MONTH);
    assert_eq!(invoices.len(), bills.len());
    for (account, bill) in invoices.iter().map(billed) {
        assert_eq!(Some(&bill), bills.get(&account), "{account}");
    }
    house.run(&["verify"]);

    let known = import("usage");
    assert!(known.contains(": 0 added"), "{known}");
    let again = house.run(&["run", MONTH]);
    assert!(again.stdout.contains("Nothing to do"), "{again:?}");
    let listed = house.run(&["invoice", "list", MONTH, "--json"]).json();
    let numbers = |list: &[Value]| {
        list.iter()
            .map(|invoice| invoice["number"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(listed.as_array().unwrap()), numbers(&invoices));
    house.run(&["verify"]);
}
