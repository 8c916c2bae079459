//! Real processes: killed at any moment, and two at once.

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

use crate::on_both;
use crate::support::{House, Watch};

on_both!(a_killed_run_is_resumed, two_processes_bill_once);

const ACCOUNTS: usize = 6_000;
const SIGKILL: i32 = 9;

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

/// When a run is killed: once so many outcomes stand, between two batches or
/// while one is written.
struct Moment {
    outcomes: i64,
    writing: bool,
}

const MOMENTS: [Moment; 7] = [
    Moment::at(0, false),
    Moment::at(0, true),
    Moment::at(1, false),
    Moment::at(1, true),
    Moment::at(2_000, false),
    Moment::at(3_000, true),
    Moment::at(4_000, false),
];

impl Moment {
    const fn at(outcomes: i64, writing: bool) -> Self {
        Self { outcomes, writing }
    }

    fn has_come(&self, watch: &mut Watch) -> bool {
        watch.count("SELECT COUNT(*) FROM billing_run") > 0
            && watch.count("SELECT COUNT(*) FROM period_outcome") >= self.outcomes
            && (!self.writing || watch.is_written_to())
    }
}

fn a_killed_run_is_resumed(house: &House) {
    populate(house);
    let mut watch = house.watch();
    let mut stood = Vec::new();
    for moment in &MOMENTS {
        let mut child = house.spawn(&["run", "2026-10", "--workers", "2"]);
        while !moment.has_come(&mut watch) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.signal() != Some(SIGKILL) {
            assert!(status.success(), "{:?}", child.wait_with_output());
            break;
        }
        watch.until_alone();
        stood.push(watch.count("SELECT COUNT(*) FROM period_outcome"));
    }
    // The later moments may come too late on a busy machine, the first never.
    let whole = i64::try_from(ACCOUNTS).unwrap();
    let halfway = stood.iter().filter(|stood| **stood < whole).count();
    assert!(halfway >= 3, "outcomes when the run was killed: {stood:?}");
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
