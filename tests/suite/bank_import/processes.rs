//! Real processes: killed at any moment, and several at once.

use std::os::unix::process::ExitStatusExt as _;

use super::xml::{Booking, notification, returned, settled, statement};
use super::*;
use crate::on_both;
use crate::support::House;

on_both!(
    a_killed_import_books_all_or_nothing,
    two_imports_at_once_book_once,
    an_import_while_credit_is_collected,
);

const DEBITS: usize = 3_000;
const SIGKILL: i32 = 9;

/// Every third comes back, half of those before their settlement is read.
fn bookings(house: &House) -> Vec<Booking> {
    let mut watch = house.watch();
    let mut all = Vec::new();
    // The newest thousand are listed; all of them are as their accounts say.
    let total = watch.count("SELECT COUNT(*) FROM payment_attempt");
    assert_eq!(usize::try_from(total).unwrap(), DEBITS);
    let amounts = amount_of_each(house);
    for (at, amount) in amounts.into_iter().enumerate() {
        let n = at + 1;
        let back = returned(n, amount, 100, "AM04");
        match n % 6 {
            0 => all.extend([settled(n, amount), back]),
            3 => all.extend([back, settled(n, amount)]),
            _ => all.push(settled(n, amount)),
        }
    }
    all
}

/// What each debit takes, read an account at a time from the invoices.
fn amount_of_each(house: &House) -> Vec<i64> {
    let mut amounts = vec![0; DEBITS];
    for invoice in house.invoices("2026-10") {
        let account = invoice["account"].as_str().unwrap();
        let n: usize = account.strip_prefix("acc-").unwrap().parse().unwrap();
        amounts[n - 1] = invoice["total_minor"].as_i64().unwrap();
    }
    amounts
}

fn assert_whole(house: &House, bookings: &[Booking]) {
    let back: i64 = bookings
        .iter()
        .filter(|booking| booking.is_return)
        .map(|booking| booking.amount)
        .sum();
    let fees: i64 = bookings.iter().map(|booking| booking.charges).sum();
    let settled: i64 = bookings
        .iter()
        .filter(|booking| !booking.is_return)
        .map(|booking| booking.amount)
        .sum();
    assert_eq!(owed_and_held(house), (back, settled - back - fees));
    let count = i64::try_from(bookings.len()).unwrap();
    assert_eq!(rows(house)[0], count);
    assert_eq!(rows(house)[2], count);
    assert!(unmatched(house).is_empty());
    house.run(&["verify"]);
}

fn a_killed_import_books_all_or_nothing(house: &House) {
    debited(house, DEBITS);
    let bookings = bookings(house);
    let file = house.file("answer.xml", statement("S1", &bookings));
    let file = file.to_str().unwrap();
    let mut watch = house.watch();
    let before = rows(house);
    let mut killed = 0;
    for looks in [1, 3, 10, 30, 100, 300] {
        let mut child = house.spawn(&["sepa", "import", file]);
        let mut seen = 0;
        while seen < looks && child.try_wait().unwrap().is_none() {
            seen += usize::from(watch.is_written_to());
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        watch.until_alone();
        let now = rows(house);
        // It may have committed just before.
        if status.signal() == Some(SIGKILL) && now == before {
            killed += 1;
        } else {
            assert_whole(house, &bookings);
            break;
        }
    }
    assert!(killed >= 1, "the import was never killed while it wrote");
    house.run(&["sepa", "import", file]);
    assert_whole(house, &bookings);
}

fn two_imports_at_once_book_once(house: &House) {
    debited(house, DEBITS);
    let bookings = bookings(house);
    let stated = house.file("stated.xml", statement("S1", &bookings));
    // The same facts the other way round.
    let reversed: Vec<Booking> = bookings.iter().rev().cloned().collect();
    let notified = house.file("notified.xml", notification("N1", &reversed));
    let files = [&stated, &stated, &notified, &notified];
    let children =
        files.map(|file| house.spawn(&["sepa", "import", file.to_str().unwrap(), "--json"]));
    let mut entries = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        entries += report["entries"].as_u64().unwrap();
    }
    // Two files were read, the other two were known.
    assert_eq!(entries, 2 * u64::try_from(bookings.len()).unwrap());
    assert_eq!(rows(house)[3], 2);
    assert_whole(house, &bookings);
}

fn an_import_while_credit_is_collected(house: &House) {
    debited(house, DEBITS);
    let bookings = bookings(house);
    let file = house.file("answer.xml", statement("S1", &bookings));
    let importing = house.spawn(&["sepa", "import", file.to_str().unwrap()]);
    let mut others = Vec::new();
    for n in [3, 6, 9, 12] {
        // It pays what came back, if that was read by then.
        let account = format!("acc-{n}");
        others.push(house.spawn(&[
            "credit", "grant", &account, "500", "--reason", "x", "--by", "ada",
        ]));
        others.push(house.spawn(&["collect", "--yes", "--json"]));
    }
    for child in others.into_iter().chain([importing]) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert!(unmatched(house).is_empty());
    house.run(&["collect", "--yes", "--json"]);
    house.run(&["verify"]);
    let back: i64 = bookings
        .iter()
        .filter(|booking| booking.is_return)
        .map(|booking| booking.amount)
        .sum();
    let paid: i64 = amount_of_each(house)
        .iter()
        .enumerate()
        .filter(|(at, _)| [3, 6, 9, 12].contains(&(at + 1)))
        .map(|(_, amount)| amount)
        .sum();
    assert_eq!(owed_and_held(house).0, back - paid);
}
