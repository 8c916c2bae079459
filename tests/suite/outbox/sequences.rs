//! Whatever the mail server does: every row ends, or waits, and delivered are
//! exactly those that it accepted.

use std::cell::Cell;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::engine::run::Engine;
use quittance::store::{IfMissing, Store};

use super::Office;
use crate::fakes::smtp::Reception;
use crate::on_both;
use crate::support::{House, NOW};

on_both!(delivered_is_what_was_accepted);

const ROWS: usize = 6;
const ROUNDS: i64 = 5;

fn reception() -> impl Strategy<Value = Reception> {
    prop_oneof![
        3 => Just(Reception::Accept),
        1 => Just(Reception::Recipient(550)),
        1 => Just(Reception::Recipient(451)),
        1 => Just(Reception::Message(554)),
        1 => Just(Reception::Message(452)),
        1 => Just(Reception::TakeAndDrop),
        1 => Just(Reception::Drop),
    ]
}

/// What the server does to each account's mails, in each round, and whether it
/// takes senders in that round.
type Script = (Vec<Vec<Reception>>, Vec<Option<u16>>);

fn script() -> impl Strategy<Value = Script> {
    let each = prop::collection::vec(reception(), 0..5);
    let senders = prop_oneof![4 => Just(None), 1 => Just(Some(451)), 1 => Just(Some(550))];
    (
        prop::collection::vec(each, ROWS),
        prop::collection::vec(senders, usize::try_from(ROUNDS).unwrap()),
    )
}

fn delivered_is_what_was_accepted(house: &House) {
    let office = Office::open(house);
    let mut people = String::new();
    for no in 0..ROWS {
        people.push_str(&format!(
            "s-{no},s{no},s{no}@example.com,Somebody {no},,DE,Weg 1,22767,Hamburg,,EUR,2025-01-05T10:00:00Z\n"
        ));
    }
    house.import_accounts(&people);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let engine = runtime.block_on(async {
        let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
        let mut config = Config::load(Some(&house.path("quittance.toml"))).unwrap();
        config.platform = None;
        let now: DateTime<Utc> = NOW.parse().unwrap();
        Engine::new(store, config, Clock::Fixed(now))
    });
    let cases = Cell::new(0);
    let mut runner = TestRunner::new(Cases {
        cases: 25,
        failure_persistence: None,
        max_shrink_iters: 50,
        ..Cases::default()
    });
    let result = runner.run(&script(), |(receptions, senders)| {
        let case = cases.get() + 1;
        cases.set(case);
        let before = office.smtp.received().len();
        for (no, receptions) in receptions.iter().enumerate() {
            office.smtp.clear(&format!("s{no}@example.com"));
            office
                .smtp
                .receive(&format!("s{no}@example.com"), receptions.iter().copied());
            office.restored(&format!("s-{no}"), case * 100 + no);
        }
        let start: DateTime<Utc> = NOW.parse().unwrap();
        for (round, sender) in (0..ROUNDS).zip(&senders) {
            office.smtp.reply_to_senders(*sender);
            let now = start + chrono::Duration::hours(round);
            let mut engine = engine.clone();
            engine.clock = Clock::Fixed(now);
            // On a task of its own, as a scheduler does it.
            let round = async move { engine.deliver_outbox(u64::MAX, &|| ()).await };
            runtime.block_on(runtime.spawn(round)).unwrap().unwrap();
        }
        let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
        for mail in &office.smtp.received()[before..] {
            *accepted.entry(mail.to.clone()).or_default() += 1;
        }
        for (no, receptions) in receptions.iter().enumerate() {
            let key = format!("restored:{}", case * 100 + no);
            let row = office.row(&key);
            let came = accepted
                .get(&format!("s{no}@example.com"))
                .copied()
                .unwrap_or(0);
            let state = row["state"].as_str().unwrap();
            let unanswered = receptions
                .iter()
                .filter(|one| **one == Reception::TakeAndDrop)
                .count();
            match state {
                "delivered" => prop_assert!(came >= 1 && came <= 1 + unanswered, "{row}: {came}"),
                // It may have it, for all we know.
                "waiting" | "refused" => prop_assert!(came <= unanswered, "{row}: {came}"),
                _ => prop_assert!(false, "{}", row),
            }
            let refused = receptions
                .iter()
                .any(|one| matches!(one, Reception::Recipient(550) | Reception::Message(554)));
            prop_assert!(refused || state != "refused", "{row}");
        }
        // The next case begins with an empty outbox.
        house.edit("UPDATE outbox SET state = 'obsolete', ended_at = 1 WHERE state <> 'obsolete'");
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
