//! Real processes: killed at any moment, and two at once.

use std::fmt::Write as _;
use std::process::Child;
use std::time::Duration;

use crate::on_both;
use crate::support::House;

on_both!(a_killed_run_is_resumed, two_processes_bill_once);

const ACCOUNTS: usize = 6_000;

/// Many small accounts, so that a run takes a while.
fn populate(house: &House) {
    house.import_catalog();
    let mut accounts = String::new();
    let mut usage = String::new();
    for n in 0..ACCOUNTS {
        writeln!(
            accounts,
            "a{n},u{n},u{n}@example.com,User {n},,FR,1 rue A,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z"
        )
        .unwrap();
        for k in 0..4 {
            writeln!(
                usage,
                "e{n}-{k},a{n},app{k},container,web,M,1,2026-10-0{}T00:00:00Z,2026-10-2{k}T00:00:00Z",
                k + 1
            )
            .unwrap();
        }
    }
    house.import_accounts(&accounts);
    house.import_usage(&usage);
}

#[track_caller]
fn assert_whole(house: &House) {
    let invoices = house.invoices("2026-10");
    let numbers: Vec<&str> = invoices
        .iter()
        .map(|invoice| invoice["number"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (1..=ACCOUNTS).map(|n| format!("Q-2026-{n:06}")).collect();
    assert_eq!(numbers, expected);
    let mut accounts: Vec<&str> = invoices
        .iter()
        .map(|invoice| invoice["account"].as_str().unwrap())
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    assert_eq!(accounts.len(), ACCOUNTS);
    house.run(&["verify"]);
}

fn finished(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{:?}", child.wait_with_output());
}

fn a_killed_run_is_resumed(house: &House) {
    populate(house);
    let mut killed = 0;
    // Each round lives a little longer, so that it dies in another place.
    for round in 1..40_u64 {
        let mut child = house.spawn(&["run", "2026-10", "--workers", "2"]);
        std::thread::sleep(Duration::from_millis(round * 15));
        let done = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        match done {
            None => killed += 1,
            Some(_) => break,
        }
    }
    assert!(killed > 0, "the run was too quick to be killed");
    house.run(&["run", "2026-10"]);
    assert_whole(house);
}

fn two_processes_bill_once(house: &House) {
    populate(house);
    let one = house.spawn(&["run", "2026-10", "--workers", "2"]);
    let two = house.spawn(&["run", "2026-10", "--workers", "2"]);
    finished(one);
    finished(two);
    assert_whole(house);
}
