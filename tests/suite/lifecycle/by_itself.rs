//! The month runs by itself: `tick` does what is due.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{House, furnish};

on_both!(a_month_runs_by_itself, a_job_by_its_name);

fn tick(house: &House, at: &str, more: &[&str]) -> Value {
    let mut args = vec!["tick", "--at", at, "--json"];
    args.extend(more);
    house.run(&args).json()
}

/// What each job did that did anything.
fn did(report: &Value) -> Vec<String> {
    let jobs = report.as_array().unwrap();
    jobs.iter()
        .flat_map(|job| {
            assert_eq!(job["problems"], json!([]), "{job}");
            let name = job["job"].as_str().unwrap();
            let did = job["did"].as_array().unwrap();
            did.iter()
                .map(move |did| format!("{name}: {}", did.as_str().unwrap()))
        })
        .collect()
}

fn a_month_runs_by_itself(house: &House) {
    furnish(house);
    house.run(&[
        "credit",
        "grant",
        "acc-3",
        "500",
        "--reason",
        "paid before",
        "--by",
        "ada",
    ]);
    // October is over.
    let total = |account: &str| {
        let invoices = house.invoices("2026-10");
        let own = invoices
            .iter()
            .find(|invoice| invoice["account"] == account);
        own.unwrap()["total_minor"].as_i64().unwrap()
    };
    let first = did(&tick(house, "2026-11-01T08:00:00Z", &[]));
    let paid = crate::collect::major(total("acc-3"));
    assert_eq!(
        first,
        [
            "month_run: billed 2026-10: 3 invoices".to_owned(),
            "month_run: announced 3 invoices".to_owned(),
            format!("collect: 1 invoice by credit, {paid} EUR: paid"),
        ]
    );
    assert_eq!(
        did(&tick(house, "2026-11-01T08:00:00Z", &[])),
        [""; 0],
        "again"
    );
    let said = house.run(&["tick", "--at", "2026-11-01T08:00:00Z"]).stdout;
    assert_eq!(
        said,
        "month_run: nothing to do\nreconcile: nothing to do\ncollect: nothing to do\ndunning: nothing to do\ncards: nothing to do\ndeletion: nothing to do\ndeliver: nothing to do\n"
    );
    // Two did not pay.
    assert_eq!(
        did(&tick(house, "2026-11-09T08:00:00Z", &[])),
        ["dunning: warning: suspension in 7 days: 2 accounts"]
    );
    // Off for two months: both are billed, in their order, and a step is taken once.
    let late = did(&tick(house, "2027-01-03T08:00:00Z", &[]));
    assert_eq!(late[0], "month_run: billed 2026-11: 1 invoice");
    assert_eq!(late[1], "month_run: billed 2026-12: 1 invoice");
    assert_eq!(late[2], "month_run: announced 2 invoices");
    assert!(
        !late.concat().contains("suspension: "),
        "a warning is not sent: {late:?}"
    );
    house.run(&["verify"]);
}

fn a_job_by_its_name(house: &House) {
    furnish(house);
    let report = tick(
        house,
        "2026-11-01T08:00:00Z",
        &["--job", "dunning", "--job", "collect"],
    );
    let jobs: Vec<&Value> = report
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["job"])
        .collect();
    assert_eq!(jobs, ["collect", "dunning"]);
    let refused = house.try_run(&["tick", "--job", "lunch"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains(
            "\"lunch\" is none of month_run, reconcile, collect, dunning, cards, deletion, deliver"
        ),
        "{refused:?}"
    );
}
