//! Real processes, two at once and killed at any moment.

use std::collections::HashMap;

use super::Office;
use crate::on_both;
use crate::support::House;

on_both!(
    two_at_once_send_nothing_twice,
    killed_again_and_again_everything_arrives,
);

const ROWS: usize = 600;

fn many(office: &Office<'_>) {
    let now = super::micros(crate::support::NOW);
    let numbers: Vec<String> = (0..ROWS).map(|no| format!("({no})")).collect();
    let numbers = numbers.join(",");
    for channel in ["mail", "platform"] {
        let topic = if channel == "mail" {
            "restored"
        } else {
            "account.resume"
        };
        // A row in thirty is an order.
        let every = if channel == "mail" { 1 } else { 30 };
        office.house.edit(&format!(
            "WITH each (n) AS (VALUES {numbers}) INSERT INTO outbox (account_id, key, channel, topic, payload, \
             created_at, state, next_try_at) SELECT a.id, 'restored:' || CAST(n AS TEXT), '{channel}', '{topic}', \
             '{{}}', {now} + n, 'waiting', {now} FROM each JOIN account a ON a.external_id = 'acc-1' \
             WHERE n % {every} = 0"
        ));
    }
}

/// How often each mail came, by its Message-ID.
fn copies(office: &Office<'_>) -> HashMap<String, usize> {
    let mut copies = HashMap::new();
    for mail in office.smtp.received() {
        *copies.entry(mail.header("Message-ID")).or_default() += 1;
    }
    copies
}

fn two_at_once_send_nothing_twice(house: &House) {
    let office = Office::open(house);
    many(&office);
    let both = [(); 2].map(|()| house.spawn(&["outbox", "deliver", "--json"]));
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    // What one held while the other finished is done.
    let copies = copies(&office);
    assert_eq!(copies.len(), ROWS);
    assert!(copies.values().all(|times| *times == 1));
    let told = office.platform.came();
    assert_eq!(told.len(), ROWS / 30);
    let mut times: Vec<String> = told
        .iter()
        .map(|webhook| webhook.json()["timestamp"].as_str().unwrap().to_owned())
        .collect();
    assert!(times.is_sorted_by(|a, b| at(a) < at(b)), "{times:?}");
    times.dedup();
    assert_eq!(times.len(), ROWS / 30);
    assert_eq!(office.rows("waiting").len(), 0);
}

fn at(time: &str) -> i64 {
    super::micros(time)
}

fn killed_again_and_again_everything_arrives(house: &House) {
    const KILLS: usize = 8;
    /// Sent, and not recorded yet: one on each connection, as many handed over, as
    /// many being recorded.
    const IN_FLIGHT_MAX: usize = 3 * 8;
    let office = Office::open(house);
    many(&office);
    for kill in 0..KILLS {
        // What the one before held comes due after its lease.
        office.minutes_later(i64::try_from(kill).unwrap() * 60);
        let until = office.smtp.count() + 1 + (kill * 37) % 90;
        let mut child = house.spawn(&["outbox", "deliver", "--json"]);
        while office.smtp.count() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        house.watch().until_alone();
    }
    let cut_off = house
        .watch()
        .count("SELECT COUNT(*) FROM outbox WHERE state = 'waiting' AND tries > 0");
    assert!(cut_off > 0, "no kill hit anything");
    office.minutes_later(60 * 24);
    office.deliver();
    let copies = copies(&office);
    assert_eq!(copies.len(), ROWS, "a mail was lost");
    let doubles: usize = copies.values().map(|times| times - 1).sum();
    assert!(doubles <= KILLS * IN_FLIGHT_MAX, "{doubles} doubles");
    let delivered = house
        .watch()
        .count("SELECT COUNT(*) FROM outbox WHERE state = 'delivered' AND channel = 'mail'");
    assert_eq!(usize::try_from(delivered).unwrap(), ROWS);
    // Orders stayed in order through all of it: one that comes again comes before
    // the next.
    let told = office.platform.came();
    let times: Vec<i64> = told
        .iter()
        .map(|webhook| at(webhook.json()["timestamp"].as_str().unwrap()))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut all = times;
    all.dedup();
    assert_eq!(all.len(), ROWS / 30);
}
