//! Any order, and more than once: the same books. A house for all cases; each
//! takes debits of its own.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::xml::{Booking, Name, batch, notification, returned, settled, statement, status};
use super::*;
use crate::on_both;
use crate::support::House;

on_both!(any_order_and_number_of_times_ends_in_the_same_books);

const CASES: u32 = 14;
const DEBITS: usize = 4;

/// What becomes of a debit in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Rejected(&'static str),
    Settled,
    Returned(&'static str),
}

/// What the bank tells, in a file of its own.
#[derive(Debug, Clone)]
enum Fact {
    TakenIn(usize),
    Rejected(usize, &'static str),
    Moved(Booking),
}

fn ends() -> impl Strategy<Value = Vec<End>> {
    let code = prop::sample::select(vec!["AM04", "AC04", "MD06", "MS02", "ZZ99"]);
    let end = (0_u8..3, code).prop_map(|(kind, code)| match kind {
        0 => End::Rejected(code),
        1 => End::Settled,
        _ => End::Returned(code),
    });
    prop::collection::vec(end, DEBITS)
}

/// How settlements are told: as one batch, one by one, or both.
fn facts(first: usize, amounts: &[i64], ends: &[End], as_batch: bool, singly: bool) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut credited = (0, 0);
    for (at, end) in ends.iter().enumerate() {
        let (n, amount) = (first + at, amounts[first + at - 1]);
        if at % 2 == 0 {
            facts.push(Fact::TakenIn(n));
        }
        if let End::Rejected(code) = end {
            facts.push(Fact::Rejected(n, code));
            continue;
        }
        credited = (credited.0 + 1, credited.1 + amount);
        if singly || !as_batch {
            facts.push(Fact::Moved(settled(n, amount)));
        }
        if let End::Returned(code) = end {
            facts.push(Fact::Moved(returned(n, amount, 300, code)));
        }
    }
    if as_batch && credited.0 > 0 {
        facts.push(Fact::Moved(Booking {
            name: Name::Batch(block_of(first), credited.0),
            ..batch(credited.0, credited.1)
        }));
    }
    facts
}

fn block_of(first: usize) -> String {
    format!("{BLOCK}-{}", (first - 1) / DEBITS)
}

fn file(message: &str, fact: &Fact, in_statement: bool) -> String {
    match fact {
        Fact::TakenIn(n) => status(message, &[(*n, None)], None),
        Fact::Rejected(n, code) => status(message, &[(*n, Some(code))], None),
        Fact::Moved(booking) if in_statement => statement(message, std::slice::from_ref(booking)),
        Fact::Moved(booking) => notification(message, std::slice::from_ref(booking)),
    }
}

fn any_order_and_number_of_times_ends_in_the_same_books(house: &House) {
    let cases = usize::try_from(CASES).unwrap();
    debited(house, cases * DEBITS);
    for case in 0..cases {
        let (first, last) = (id(case * DEBITS + 1), id((case + 1) * DEBITS));
        house.edit(&format!(
            "UPDATE sepa_debit SET block_id = '{BLOCK}-{case}' WHERE attempt_id >= '{first}' AND attempt_id <= '{last}'"
        ));
    }
    let amounts = amounts(house);
    let next = Cell::new(1);
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        // A smaller case would need debits of its own.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (
        ends(),
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(any::<(prop::sample::Index, bool)>(), 0..4),
        Just(()).prop_perturb(|(), mut random| random.random::<u64>()),
    );
    runner
        .run(&strategy, |(ends, as_batch, singly, again, order)| {
            let first = next.get();
            next.set(first + DEBITS);
            let before = owed_and_held(house);
            let facts = facts(first, &amounts, &ends, as_batch, singly);
            let mut files: Vec<(usize, bool)> = (0..facts.len())
                .map(|at| (at, (order >> at) & 1 == 0))
                .collect();
            files.extend(
                again
                    .iter()
                    .map(|(at, kind)| (at.index(facts.len()), *kind)),
            );
            files.sort_by_key(|(at, kind)| {
                // Any order, the same for the same case.
                let at = u64::try_from(*at).unwrap() * 2 + u64::from(*kind);
                (order ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd)
            });
            for (no, (at, in_statement)) in files.iter().enumerate() {
                let message = format!("F{first}-{no}");
                import(house, &file(&message, &facts[*at], *in_statement));
            }
            let told =
                format!("{ends:?}, batch {as_batch}, singly {singly}: {files:?} of {facts:?}");
            prop_assert_eq!(unmatched(house), Vec::<String>::new(), "{}", told);
            let (mut owed, mut held) = before;
            for (at, end) in ends.iter().enumerate() {
                let (n, amount) = (first + at, amounts[first + at - 1]);
                let expected = match end {
                    End::Rejected(code) => format!("declined {code}"),
                    End::Settled => "succeeded".to_owned(),
                    End::Returned(code) => format!("returned {code}"),
                };
                prop_assert_eq!(state(house, n), expected, "{} in {}", n, &told);
                match end {
                    End::Settled => {
                        owed -= amount;
                        held += amount;
                    }
                    End::Returned(_) => held -= 300,
                    End::Rejected(_) => {}
                }
            }
            prop_assert_eq!(owed_and_held(house), (owed, held), "{}", &told);
            let verified = house.try_run(&["verify"]);
            prop_assert_eq!(verified.code, Some(0), "{:?} in {}", &verified, &told);
            Ok(())
        })
        .unwrap();
}
