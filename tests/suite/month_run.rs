//! A month from usage to invoices, to the cent.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{House, furnish};

on_both!(
    invoices_are_right_to_the_cent,
    a_rerun_adds_nothing,
    late_usage_is_billed_next_month,
    a_corrected_end_is_taken_back_next_month,
    an_odd_invoice_waits_for_its_release,
    a_shadow_run_writes_nothing,
    one_account_is_billed_alone,
    a_paused_run_waits,
    the_free_trial_takes_its_usage_off,
    the_order_and_the_cutting_of_usage_change_nothing,
    a_month_that_has_not_ended_is_refused,
);

fn totals(invoice: &Value) -> (&str, i64, i64, i64) {
    (
        invoice["account"].as_str().unwrap(),
        invoice["net_minor"].as_i64().unwrap(),
        invoice["vat_minor"].as_i64().unwrap(),
        invoice["total_minor"].as_i64().unwrap(),
    )
}

fn invoices_are_right_to_the_cent(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10", "--workers", "2"]);
    let invoices = house.invoices("2026-10");
    // 89,400 min x 0.0003333333 = 29.80; 28,080 min x 0.0001666667 = 4.68.
    // 44,700 min x 0.0001666667 = 7.45 at 23 %.
    // 14,400 min x 0.0013333333 = 19.20, reverse charge.
    let sums: Vec<_> = invoices.iter().map(totals).collect();
    let expected = [
        ("acc-1", 3448, 690, 4138),
        ("acc-2", 745, 171, 916),
        ("acc-3", 1920, 0, 1920),
    ];
    assert_eq!(sums, expected);
    let first = &invoices[0];
    assert_eq!(first["number"], "Q-2026-000001");
    assert_eq!(first["period"], "2026-10");
    assert_eq!(first["currency"], "EUR");
    let lines = first["lines"].as_array().unwrap();
    assert_eq!(lines[0]["app"], "shop");
    assert_eq!(lines[0]["kind"], "container");
    assert_eq!(lines[0]["type"], "web");
    assert_eq!(lines[0]["plan"], "M");
    assert_eq!(lines[0]["minutes"], 89_400);
    assert_eq!(lines[0]["amount_minor"], 2980);
    assert_eq!(lines[1]["minutes"], 28_080);
    assert_eq!(lines[1]["amount_minor"], 468);
    assert_eq!(first["vat"][0]["category"], "S");
    assert_eq!(first["vat"][0]["base_minor"], 3448);
    assert_eq!(first["vat"][0]["amount_minor"], 690);
    assert_eq!(invoices[2]["vat"][0]["category"], "AE");
    house.run(&["verify"]);
}

fn a_rerun_adds_nothing(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let before = house.invoices("2026-10");
    let again = house.run(&["run", "2026-10"]);
    assert!(again.stdout.contains("Nothing to do"), "{again:?}");
    // Nor does the same file, imported again.
    let known = house.import_usage(crate::support::THREE_USAGES);
    assert!(known.stdout.contains("0 added"), "{known:?}");
    house.run(&["run", "2026-10"]);
    assert_eq!(house.invoices("2026-10"), before);
}

fn november(house: &House) {
    let answer = house
        .command(&["run", "2026-11"])
        .env("QUITTANCE_NOW", "2026-12-02T08:00:00Z")
        .output()
        .unwrap();
    assert!(answer.status.success(), "{answer:?}");
}

fn late_lines(invoices: &[Value]) -> Vec<(i64, i64)> {
    invoices
        .iter()
        .flat_map(|invoice| invoice["lines"].as_array().unwrap())
        .filter(|line| line["late_period"] == "2026-10")
        .map(|line| {
            let minutes = line["minutes"].as_i64().unwrap();
            (minutes, line["amount_minor"].as_i64().unwrap())
        })
        .collect()
}

fn late_usage_is_billed_next_month(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let before = house.invoices("2026-10");
    // Two hours of October and one of November, told after October was billed.
    house.import_usage(
        "late-1,acc-2,blog,container,web,L,1,2026-10-31T22:00:00+01:00,2026-11-01T01:00:00+01:00\n",
    );
    november(house);
    assert_eq!(house.invoices("2026-10"), before);
    let november = house.invoices("2026-11");
    // 120 min x 0.0006666667 = 0.08.
    assert_eq!(late_lines(&november), [(120, 8)]);
    house.run(&["verify"]);
}

fn a_corrected_end_is_taken_back_next_month(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    // u1 was billed as running; it had ended a day before the month did.
    house.import_usage(
        "u1,acc-1,shop,container,web,M,2,2026-09-15T00:00:00+02:00,2026-10-31T00:00:00+01:00\n\
         u9,acc-1,shop,container,web,S,1,2026-11-02T00:00:00+01:00,2026-11-20T00:00:00+01:00\n",
    );
    november(house);
    // 2 x 1,440 min x 0.0003333333 = 0.96, taken back.
    assert_eq!(late_lines(&house.invoices("2026-11")), [(-2880, -96)]);
    house.run(&["verify"]);
}

fn an_odd_invoice_waits_for_its_release(house: &House) {
    furnish(house);
    house.import_usage(
        "odd,acc-2,blog,container,worker,3XL,900,2026-10-01T00:00:00+02:00,2026-11-01T00:00:00+01:00\n",
    );
    let answer = house.run(&["run", "2026-10"]);
    assert!(answer.stdout.contains("parked acc-2"), "{answer:?}");
    assert_eq!(house.invoices("2026-10").len(), 2);
    let status = house.run(&["run", "status", "2026-10", "--json"]).json();
    assert_eq!(status["accounts"]["parked"], 1);
    assert_eq!(status["accounts"]["missing"], 0);
    house.refuse(&[
        "run",
        "release",
        "2026-10",
        "acc-1",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    house.run(&[
        "run",
        "release",
        "2026-10",
        "acc-2",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    let invoices = house.invoices("2026-10");
    assert_eq!(invoices.len(), 3);
    assert_eq!(invoices[2]["number"], "Q-2026-000003");
    house.refuse(&[
        "run",
        "release",
        "2026-10",
        "acc-2",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    house.run(&["verify"]);
}

fn a_shadow_run_writes_nothing(house: &House) {
    furnish(house);
    let shadow = house.run(&["run", "2026-10", "--shadow", "--json"]).json();
    assert_eq!(
        shadow["differences"].as_array().unwrap().len(),
        3,
        "{shadow}"
    );
    assert!(house.invoices("2026-10").is_empty());
    house.run(&["run", "2026-10"]);
    let shadow = house.run(&["run", "2026-10", "--shadow", "--json"]).json();
    assert_eq!(shadow["differences"], json!([]), "{shadow}");
    assert_eq!(house.invoices("2026-10").len(), 3);
}

fn one_account_is_billed_alone(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10", "--account", "acc-3"]);
    assert_eq!(house.invoices("2026-10").len(), 1);
    let answer = house.refuse(&["run", "2026-10", "--account", "nobody"]);
    assert!(answer.stderr.contains("\"nobody\""), "{answer:?}");
    house.run(&["run", "2026-10"]);
    let accounts: Vec<String> = house
        .invoices("2026-10")
        .iter()
        .map(|invoice| invoice["account"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(accounts, ["acc-3", "acc-1", "acc-2"]);
    house.run(&["verify"]);
}

fn a_paused_run_waits(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10", "--account", "acc-1"]);
    house.run(&["run", "pause", "2026-10"]);
    let answer = house.refuse(&["run", "2026-10"]);
    assert!(answer.stderr.contains("paused"), "{answer:?}");
    assert_eq!(house.invoices("2026-10").len(), 1);
    house.run(&["run", "resume", "2026-10"]);
    house.run(&["run", "2026-10"]);
    assert_eq!(house.invoices("2026-10").len(), 3);
}

fn the_free_trial_takes_its_usage_off(house: &House) {
    house.import_catalog();
    house.import_accounts(
        "acc-t,tess,t@example.com,Tess Trial,,FR,1 rue A,67000,Strasbourg,,EUR,2026-10-10T10:00:00+02:00\n",
    );
    house.import_usage(
        "t1,acc-t,blog,container,web,M,1,2026-10-10T12:00:00+02:00,2026-10-20T12:00:00+02:00\n",
    );
    house.run(&["run", "2026-10"]);
    let invoices = house.invoices("2026-10");
    assert_eq!(totals(&invoices[0]), ("acc-t", 0, 0, 0));
    let lines = invoices[0]["lines"].as_array().unwrap();
    let amounts: Vec<i64> = lines
        .iter()
        .map(|line| line["amount_minor"].as_i64().unwrap())
        .collect();
    assert_eq!(amounts, [480, -480]);
}

/// The same time cut into pieces, told backwards and in two files.
fn the_order_and_the_cutting_of_usage_change_nothing(house: &House) {
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    let mut pieces = vec![
        "c1,acc-1,shop,container,web,M,2,2026-09-15T00:00:00+02:00,2026-10-01T00:00:00+02:00".to_owned(),
        "c2,acc-1,shop,addon,postgresql,starter,1,2026-10-01T00:00:00+02:00,2026-10-20T12:00:00+02:00".to_owned(),
        "c3,acc-1,shop,container,web,M,2,2026-10-28T07:31:07+01:00,".to_owned(),
    ];
    let cuts = [
        "2026-10-01T00:00:00+02:00",
        "2026-10-03T11:59:59+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-28T07:31:07+01:00",
    ];
    for (at, pair) in cuts.windows(2).enumerate() {
        pieces.push(format!(
            "p{at},acc-1,shop,container,web,M,2,{},{}",
            pair[0], pair[1]
        ));
    }
    pieces.reverse();
    let (one, two) = pieces.split_at(3);
    house.import_usage(&(one.join("\n") + "\n"));
    house.import_usage(&(two.join("\n") + "\n"));
    house.run(&["run", "2026-10"]);
    let invoices = house.invoices("2026-10");
    assert_eq!(totals(&invoices[0]), ("acc-1", 3448, 690, 4138));
}

fn a_month_that_has_not_ended_is_refused(house: &House) {
    furnish(house);
    let answer = house.refuse(&["run", "2026-11"]);
    assert!(answer.stderr.contains("2026-11"), "{answer:?}");
    assert!(house.invoices("2026-11").is_empty());
}
