//! What keeps a month right when people, clocks and other processes do odd
//! things: dated stories.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::on_both;
use crate::support::{Answer, House, furnish};

on_both!(
    a_release_covers_the_total_that_was_held_back,
    a_month_left_parked_does_not_disarm_the_next,
    what_has_no_price_cannot_be_released,
    a_price_does_not_change_in_a_billed_month,
    a_changed_zone_leaves_no_hour_out,
    usage_from_before_the_sign_up_is_billed_in_its_month,
    two_months_at_once_take_late_usage_once,
    two_months_at_once_use_a_voucher_once,
    a_clock_that_went_far_back_is_refused,
    a_pause_stops_single_accounts_too,
    a_month_that_was_skipped_is_told,
);

/// Runs a command as if on that day.
#[track_caller]
fn run_on(house: &House, day: &str, args: &[&str]) -> Answer {
    let answer = try_on(house, day, args);
    assert_eq!(answer.code, Some(0), "{args:?}: {answer:?}");
    answer
}

fn try_on(house: &House, day: &str, args: &[&str]) -> Answer {
    let output = house
        .command(args)
        .env("QUITTANCE_NOW", format!("{day}T08:00:00Z"))
        .output()
        .unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Containers of acc-2 from the start of a month to its end.
fn usage(id: &str, month: &str, days: u32, quantity: u32) -> String {
    format!(
        "{id},acc-2,blog,container,worker,3XL,{quantity},{month}-01T12:00:00Z,{month}-{days:02}T12:00:00Z\n"
    )
}

fn parked(house: &House, period: &str) -> Vec<Value> {
    let status = house.run(&["run", "status", period, "--json"]).json();
    status["parked"].as_array().unwrap().clone()
}

fn a_release_covers_the_total_that_was_held_back(house: &House) {
    furnish(house);
    house.import_usage(&usage("odd", "2026-10", 31, 900));
    house.run(&["run", "2026-10"]);
    assert_eq!(parked(house, "2026-10").len(), 1);
    // More comes between the look and the release.
    house.import_usage(&usage("more", "2026-10", 31, 900));
    let answer = house.try_run(&[
        "run",
        "release",
        "2026-10",
        "acc-2",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stdout.contains("still parked"), "{answer:?}");
    assert_eq!(house.invoices("2026-10").len(), 2);
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
    assert_eq!(house.invoices("2026-10").len(), 3);
    // What was released is no difference afterwards.
    let shadow = house.run(&["run", "2026-10", "--shadow", "--json"]).json();
    assert_eq!(shadow["differences"], serde_json::json!([]), "{shadow}");
    house.run(&["verify"]);
}

fn a_month_left_parked_does_not_disarm_the_next(house: &House) {
    furnish(house);
    // September was small; October and November are not.
    house.import_usage(&usage("s", "2026-09", 2, 1));
    run_on(house, "2026-10-02", &["run", "2026-09"]);
    for (month, days, day) in [("2026-10", 30, "2026-11-02"), ("2026-11", 30, "2026-12-02")] {
        house.import_usage(&usage(month, month, days, 20));
        run_on(house, day, &["run", month]);
        let held = parked(house, month);
        assert_eq!(held.len(), 1, "{month}: {held:?}");
        let reason = held[0]["reason"].as_str().unwrap();
        assert!(reason.contains("10 times"), "{reason}");
    }
}

fn what_has_no_price_cannot_be_released(house: &House) {
    house.import_catalog();
    house.import(
        "catalog",
        "kind,plan,name,price_per_30_days,currency,valid_from\naddon,new,New,10,EUR,2026-10-15\n",
    );
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    house
        .import_usage("n,acc-2,blog,addon,redis,new,1,2026-10-01T12:00:00Z,2026-10-31T12:00:00Z\n");
    house.run(&["run", "2026-10"]);
    let answer = house.refuse(&[
        "run",
        "release",
        "2026-10",
        "acc-2",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    assert!(answer.stderr.contains("has no EUR price"), "{answer:?}");
    // The gap may be filled: nobody was billed there.
    house.import(
        "catalog",
        "kind,plan,name,price_per_30_days,currency,valid_from\naddon,new,New,9,EUR,2026-01-01\n",
    );
    house.run(&["run", "2026-10"]);
    assert_eq!(house.invoices("2026-10").len(), 1);
}

fn a_price_does_not_change_in_a_billed_month(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let price = |from: &str| {
        format!(
            "kind,plan,name,price_per_30_days,currency,valid_from\ncontainer,M,M,28.80,EUR,{from}\n"
        )
    };
    house.file("late.csv", price("2026-10-15"));
    let answer = house.refuse(&["import", "catalog", "late.csv"]);
    let place = "late.csv:2: valid_from \"2026-10-15\": 2026-10 is billed";
    assert!(answer.stderr.contains(place), "{answer:?}");
    house.import("catalog", price("2026-11-01"));
}

fn a_changed_zone_leaves_no_hour_out(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let settings = include_str!("../../deploy/quittance.toml");
    let settings = settings.replace("\"Europe/Paris\"", "\"UTC\"");
    house.file("quittance.toml", settings);
    let answer = try_on(house, "2026-12-02", &["run", "2026-11"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    for word in [
        "2026-11-01T00:00:00Z",
        "2026-10-31T23:00:00Z",
        "billing.zone",
    ] {
        assert!(answer.stderr.contains(word), "{word}: {answer:?}");
    }
    // October keeps the bounds it was run with.
    let again = house.run(&["run", "2026-10", "--account", "acc-1"]);
    assert!(again.stdout.contains("Nothing to do"), "{again:?}");
}

fn usage_from_before_the_sign_up_is_billed_in_its_month(house: &House) {
    house.import_catalog();
    house.import_accounts(
        "early,e,e@example.com,Eve Early,,FR,1 rue A,67000,Strasbourg,,EUR,2026-11-01T10:00:00Z\n\
         later,l,l@example.com,Lou Later,,FR,1 rue A,67000,Strasbourg,,EUR,2026-11-01T10:00:00Z\n",
    );
    house.import_usage(
        "e1,early,shop,container,web,M,1,2026-10-20T00:00:00Z,2026-10-30T00:00:00Z\n",
    );
    house.run(&["run", "2026-10"]);
    let invoices = house.invoices("2026-10");
    // 14,400 min x 0.0003333333 = 4.80, and no trial yet.
    assert_eq!(invoices.len(), 1);
    assert_eq!(invoices[0]["net_minor"], 480);
    let answer = house.refuse(&["run", "2026-10", "--account", "later"]);
    assert!(answer.stderr.contains("signed up after"), "{answer:?}");
    house.run(&["verify"]);
}

fn finished(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{:?}", child.wait_with_output());
}

const EVERYONE: [&str; 3] = ["acc-1", "acc-2", "acc-3"];

/// Usage of everyone in the months, and then September and October run at the
/// same time; each account's lines of both invoices.
fn two_months_at_once(house: &House, months: &[(&str, u32)]) -> Vec<Vec<Value>> {
    let mut rows = String::new();
    for account in EVERYONE {
        for (month, days) in months {
            rows.push_str(&format!(
                "{account}-{month},{account},shop,container,web,L,1,{month}-01T12:00:00Z,{month}-{days:02}T12:00:00Z\n"
            ));
        }
    }
    house.import_usage(&rows);
    let months = ["2026-09", "2026-10"];
    let both = months.map(|month| house.spawn(&["run", month]));
    both.into_iter().for_each(finished);
    house.run(&["verify"]);
    let invoices: Vec<Value> = months
        .iter()
        .flat_map(|month| house.invoices(month))
        .collect();
    let lines_of = |account: &str| {
        let own = invoices
            .iter()
            .filter(|invoice| invoice["account"] == account);
        own.flat_map(|invoice| invoice["lines"].as_array().unwrap().clone())
            .collect()
    };
    EVERYONE.map(lines_of).into()
}

fn two_months_at_once_take_late_usage_once(house: &House) {
    furnish(house);
    // August is settled when a piece of it arrives.
    run_on(house, "2026-09-02", &["run", "2026-08"]);
    let usage = [("2026-08", 3), ("2026-09", 20), ("2026-10", 20)];
    for lines in two_months_at_once(house, &usage) {
        let late = lines.iter().filter(|line| line["late_period"] == "2026-08");
        assert_eq!(late.count(), 1, "{lines:?}");
    }
}

fn two_months_at_once_use_a_voucher_once(house: &House) {
    furnish(house);
    for account in EVERYONE {
        house.run(&[
            "voucher", "grant", account, "Welcome", "--amount", "10", "--from", "2026-08",
        ]);
    }
    for lines in two_months_at_once(house, &[("2026-09", 20), ("2026-10", 20)]) {
        let vouchers = lines.iter().filter(|line| line["kind"] == "voucher");
        let used: i64 = vouchers
            .map(|line| line["amount_minor"].as_i64().unwrap())
            .sum();
        assert_eq!(used, -1_000, "{lines:?}");
    }
}

fn a_clock_that_went_far_back_is_refused(house: &House) {
    furnish(house);
    run_on(house, "2026-11-10", &["run", "2026-10"]);
    house.import_usage(&usage("s", "2026-09", 20, 1));
    let answer = try_on(house, "2026-11-02", &["run", "2026-09"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("2026-11-10"), "{answer:?}");
    assert!(answer.stderr.contains("clock"), "{answer:?}");
    run_on(house, "2026-11-10", &["run", "2026-09"]);
    house.run(&["verify"]);
}

fn a_pause_stops_single_accounts_too(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10", "--account", "acc-1"]);
    house.run(&["run", "pause", "2026-10"]);
    let answer = house.refuse(&["run", "2026-10", "--account", "acc-2"]);
    assert!(answer.stderr.contains("paused"), "{answer:?}");
    assert_eq!(house.invoices("2026-10").len(), 1);
    house.run(&["run", "resume", "2026-10"]);
    house.run(&["run", "2026-10"]);
    let answer = house.refuse(&["run", "pause", "2026-10"]);
    assert!(answer.stderr.contains("closed"), "{answer:?}");
}

fn a_month_that_was_skipped_is_told(house: &House) {
    furnish(house);
    run_on(house, "2026-09-02", &["run", "2026-08"]);
    let answer = house.run(&["run", "2026-10"]);
    let told = "2026-09 was never run";
    assert!(answer.stdout.contains(told), "{answer:?}");
    run_on(house, "2026-11-02", &["run", "2026-09"]);
    let answer = house.run(&["run", "status", "2026-10"]);
    assert!(!answer.stdout.contains(told), "{answer:?}");
}

#[test]
fn a_mistyped_database_is_not_created() {
    let house = House::sqlite();
    std::fs::remove_file(house.path("q.sqlite")).unwrap();
    for args in [
        &["verify"][..],
        &["run", "2026-10"],
        &["invoice", "list", "2026-10"],
    ] {
        let answer = house.refuse(args);
        assert!(answer.stderr.contains("there is no database"), "{answer:?}");
    }
    assert!(!house.path("q.sqlite").exists());
    // Whoever brings something begins one.
    house.import_catalog();
    house.run(&["verify"]);
}

#[test]
fn a_reader_that_went_away_is_no_panic() {
    let house = House::sqlite();
    furnish(&house);
    house.run(&["run", "2026-10"]);
    for args in [
        &["invoice", "list", "2026-10"][..],
        &["invoice", "list", "2026-10", "--json"],
        &["invoice", "show", "Q-2026-000001"],
        &["invoice", "xml", "Q-2026-000001"],
        &["verify"],
    ] {
        let mut child = house
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), said.as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}
