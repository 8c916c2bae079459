use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::ids::PaymentMethodId;
use crate::domain::payment::{Instrument, InvoiceBalance};

const ASKED: i64 = 1_500;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

fn settled(charges: i64) -> Told {
    Told::Settled {
        amount: eur(ASKED),
        charges: eur(charges),
        count: None,
    }
}

fn returned(code: &str) -> Told {
    Told::Returned {
        amount: eur(ASKED),
        charges: eur(300),
        code: Some(code.to_owned()),
    }
}

fn rejected(code: Option<&str>) -> Told {
    Told::Rejected {
        code: code.map(str::to_owned),
        amount: None,
    }
}

/// One debit and its invoice, as facts change them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Books {
    state: AttemptState,
    allocated: i64,
    /// What the bank's account moved by.
    held: i64,
    entries: BTreeMap<&'static str, i64>,
    was_credited: bool,
}

impl Books {
    fn new(state: AttemptState) -> Self {
        let allocated = i64::from(state == AttemptState::Succeeded) * ASKED;
        Self {
            state,
            allocated,
            held: 0,
            entries: BTreeMap::new(),
            was_credited: false,
        }
    }

    fn judge(&self, told: &Told) -> Verdict {
        judge_debit(
            told,
            &DebitFacts {
                attempt: SettlementFacts {
                    state: &self.state,
                    by: Instrument::Sepa(PaymentMethodId(1)),
                    amount_minor: ASKED,
                    balance: InvoiceBalance::new(ASKED, self.allocated).unwrap(),
                    written_off_minor: 0,
                },
                currency: Currency::Eur,
                was_credited: self.was_credited,
            },
        )
    }

    /// Takes a fact in; whether a person has to look.
    fn take(&mut self, told: &Told) -> bool {
        let verdict = self.judge(told);
        let is_told = matches!(verdict, Verdict::Unmatched(_));
        if let Verdict::Book(settlement) = verdict {
            for movement in &settlement.movements {
                *self.entries.entry(movement.code()).or_default() += 1;
                self.allocated += movement.allocated_minor();
                self.held += match *movement {
                    Movement::SepaSettled { amount_minor } => amount_minor,
                    Movement::SepaReturned {
                        amount_minor,
                        bank_fee_minor,
                    } => -amount_minor - bank_fee_minor,
                    Movement::BankCharged { bank_fee_minor } => -bank_fee_minor,
                    other => panic!("{other:?}"),
                };
            }
            self.state = settlement.state;
        }
        if matches!(told, Told::Settled { .. }) && !is_told {
            self.was_credited = true;
        }
        is_told
    }
}

fn states() -> Vec<AttemptState> {
    let declined = |decline| AttemptState::Declined { decline };
    vec![
        AttemptState::Created,
        AttemptState::Submitted,
        AttemptState::Pending,
        AttemptState::Unknown,
        AttemptState::Succeeded,
        declined(Decline::sepa("AM04")),
        declined(Decline::withdrawn()),
        AttemptState::Returned {
            reason: Decline::sepa("AM04"),
        },
    ]
}

/// One line a state: what each fact does. `=` is known, `!` is for a person.
/// The facts: acknowledged, settled, settled less a fee, settled again, rejected
/// AM04, rejected MD01, rejected without a code, returned AM04, refunded MD06,
/// a fee, unclear.
const TABLE: &str = "
    created: pending | succeeded | succeeded+fee | succeeded | declined AM04 | declined MD01 | declined no_reason | returned AM04 | returned MD06 | ! | !
    submitted: pending | succeeded | succeeded+fee | succeeded | declined AM04 | declined MD01 | declined no_reason | returned AM04 | returned MD06 | ! | !
    pending: = | succeeded | succeeded+fee | succeeded | declined AM04 | declined MD01 | declined no_reason | returned AM04 | returned MD06 | ! | !
    unknown: pending | succeeded | succeeded+fee | succeeded | declined AM04 | declined MD01 | declined no_reason | returned AM04 | returned MD06 | ! | !
    succeeded: = | = | ! | ! | ! | ! | ! | returned AM04 | returned MD06 | ! | !
    declined AM04: = | ! | ! | ! | = | ! | ! | ! | ! | ! | !
    declined withdrawn: = | ! | ! | ! | ! | ! | ! | ! | ! | ! | !
    returned AM04: = | = | returned AM04+fee | ! | = | ! | ! | ! | ! | ! | !";

#[test]
fn every_fact_meets_every_state() {
    let facts = [
        (Told::Acknowledged, false),
        (settled(0), false),
        (settled(20), false),
        (settled(0), true),
        (rejected(Some("AM04")), false),
        (rejected(Some("MD01")), false),
        (rejected(None), false),
        (returned("AM04"), false),
        (returned("MD06"), false),
        (Told::Fee { amount: eur(5) }, false),
        (
            Told::Unclear {
                why: "is not booked yet",
            },
            false,
        ),
    ];
    let short = |state: &AttemptState| match state.refusal() {
        Some(refusal) => format!("{} {}", state.code(), refusal.code),
        None => state.code().to_owned(),
    };
    let rows: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
    assert_eq!(rows.len(), states().len());
    for (state, row) in states().into_iter().zip(rows) {
        let (name, cells) = row.split_once(": ").unwrap();
        assert_eq!(short(&state), name);
        let cells: Vec<&str> = cells.split(" | ").collect();
        assert_eq!(cells.len(), facts.len(), "{name}");
        for ((told, was_credited), expected) in facts.iter().zip(cells) {
            let books = Books {
                was_credited: *was_credited,
                ..Books::new(state.clone())
            };
            let found = match books.judge(told) {
                Verdict::Known => "=".to_owned(),
                Verdict::Unmatched(_) => "!".to_owned(),
                Verdict::Book(settlement) => {
                    let has_fee = settlement
                        .movements
                        .iter()
                        .any(|movement| matches!(movement, Movement::BankCharged { .. }));
                    let fee = if has_fee { "+fee" } else { "" };
                    format!("{}{fee}", short(&settlement.state))
                }
            };
            assert_eq!(found, expected, "{name} and {told:?}");
        }
    }
}

#[test]
fn a_problem_says_what_was_told_and_what_is_there() {
    let submitted = Books::new(AttemptState::Submitted);
    let paid = Books {
        was_credited: true,
        ..Books::new(AttemptState::Succeeded)
    };
    let declined = Books::new(AttemptState::Declined {
        decline: Decline::sepa("AM04"),
    });
    let usd = Told::Settled {
        amount: Money::new(ASKED, Currency::Usd),
        charges: Money::new(0, Currency::Usd),
        count: None,
    };
    let short = Told::Rejected {
        code: None,
        amount: Some(eur(1_499)),
    };
    let table = [
        (
            &submitted,
            usd,
            "the bank says 15.00 USD, the debit is 15.00 EUR",
        ),
        (
            &submitted,
            short,
            "the bank says 14.99 EUR, the debit is 15.00 EUR",
        ),
        (
            &paid,
            settled(0),
            "the debit was credited already: this is money that came in a second time",
        ),
        (
            &declined,
            returned("AM04"),
            "money was taken back of a debit that is declined: AM04 (soft): nothing was collected",
        ),
        (
            &declined,
            settled(0),
            "an attempt that is declined: AM04 (soft) cannot become succeeded",
        ),
        (
            &paid,
            rejected(Some("MD01")),
            "an attempt that is succeeded cannot become declined: MD01 (hard)",
        ),
    ];
    for (books, told, expected) in table {
        match books.judge(&told) {
            Verdict::Unmatched(problem) => assert_eq!(problem.to_string(), expected),
            other => panic!("{told:?}: {other:?}"),
        }
    }
    let by_card = judge_debit(
        &settled(0),
        &DebitFacts {
            attempt: SettlementFacts {
                state: &AttemptState::Submitted,
                by: Instrument::Card(PaymentMethodId(1)),
                amount_minor: ASKED,
                balance: InvoiceBalance::new(ASKED, 0).unwrap(),
                written_off_minor: 0,
            },
            currency: Currency::Eur,
            was_credited: false,
        },
    );
    assert_eq!(
        by_card,
        Verdict::Unmatched(Problem::NoDebit(PaymentMethod::Card))
    );
}

#[test]
fn blocks_are_weighed_as_a_whole() {
    use BlockVerdict::{Each, EachAndTell, Known, Unmatched};
    // (debits, sum, in flight, collected, of)
    let block =
        |(debits, sum, in_flight, collected, total): (u64, i64, u64, u64, u64)| BlockFacts {
            debits,
            sum: eur(sum),
            in_flight,
            collected,
            total,
            was_credited: false,
        };
    let credit = |amount, count, charges| Told::Settled {
        amount: eur(amount),
        charges: eur(charges),
        count,
    };
    let reject = rejected(Some("FF01"));
    let fresh = block((5, 500, 5, 0, 5));
    let listed = block((4, 400, 0, 4, 5));
    let again = BlockFacts {
        was_credited: true,
        ..fresh
    };
    let differs = "the bank credits 5.00 EUR for 5 debits, the debits sent and not rejected are 4 of 4.00 EUR \
         (a difference of 1.00 EUR)";
    let table = [
        (&fresh, credit(500, Some(5), 0), Ok(Each)),
        (&fresh, credit(500, Some(5), 30), Ok(Each)),
        (&fresh, credit(500, None, 0), Ok(Each)),
        (
            &fresh,
            credit(500, Some(4), 0),
            Err("a difference of 0.00 EUR"),
        ),
        (
            &fresh,
            credit(499, Some(5), 0),
            Err("a difference of -0.01 EUR"),
        ),
        // One was rejected, three came back; all the same four were credited.
        (&block((4, 400, 1, 3, 5)), credit(400, Some(4), 0), Ok(Each)),
        (
            &block((4, 400, 1, 3, 5)),
            credit(500, Some(5), 0),
            Err(differs),
        ),
        // Told one by one before.
        (&listed, credit(400, Some(4), 0), Ok(Known)),
        (
            &listed,
            credit(400, Some(4), 30),
            Err("without the 0.30 EUR that the bank kept"),
        ),
        (
            &again,
            credit(500, Some(5), 0),
            Err("came in a second time"),
        ),
        (
            &block((0, 0, 0, 0, 0)),
            credit(500, Some(5), 0),
            Err("no debits were sent in B"),
        ),
        (&fresh, reject.clone(), Ok(Each)),
        (&block((0, 0, 0, 0, 5)), reject.clone(), Ok(Known)),
        (&listed, reject.clone(), Err("4 of them had settled")),
        (
            &block((5, 500, 2, 3, 5)),
            reject,
            Ok(EachAndTell(Problem::RejectsCollected(3))),
        ),
        (&fresh, Told::Acknowledged, Ok(Each)),
        (&listed, Told::Acknowledged, Ok(Known)),
        (
            &fresh,
            returned("AM04"),
            Err("which debits are meant is not said"),
        ),
        (&fresh, Told::Fee { amount: eur(5) }, Err("is a fee")),
        (&fresh, Told::Unclear { why: "is odd" }, Err("is odd")),
    ];
    for (facts, told, expected) in table {
        let found = judge_block(&told, "B", facts);
        match (&found, expected) {
            (Unmatched(problem), Err(words)) => {
                assert!(problem.to_string().contains(words), "{problem}");
            }
            (_, Ok(expected)) => assert_eq!(found, expected, "{told:?} {facts:?}"),
            _ => panic!("{told:?} {facts:?}: {found:?}"),
        }
    }
}

/// What a bank can tell of one debit without contradicting itself.
fn history() -> impl Strategy<Value = Vec<Told>> {
    let code = prop::sample::select(vec!["AM04", "AC04", "MD06", "MS02", "ZZ99"]);
    let taken_in = prop::sample::select(vec![0_usize, 1]);
    (0_u8..4, 0_i64..50, code, taken_in).prop_map(|(kind, charges, code, taken_in)| {
        let mut told = vec![Told::Acknowledged; taken_in];
        match kind {
            0 => told.push(rejected(Some(code))),
            1 => told.push(settled(charges)),
            2 => told.extend([settled(charges), returned(code)]),
            _ => told.push(returned(code)),
        }
        told
    })
}

proptest! {
    #[test]
    fn any_order_and_number_of_times_ends_in_the_same_books(
        told in history(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        order in any::<u64>(),
    ) {
        // Once in order, by their keys.
        let mut expected = Books::new(AttemptState::Submitted);
        for fact in &told {
            prop_assert!(!expected.take(fact), "{fact:?}");
        }
        // In another order, and some more than once: a key that is known is
        // dropped before it is judged.
        let mut all: Vec<usize> = (0..told.len()).collect();
        all.extend(picks.iter().map(|pick| pick.index(told.len())));
        let length = all.len();
        for at in (1..length).rev() {
            let other = usize::try_from(order.rotate_left(u32::try_from(at).unwrap()) % 97).unwrap();
            all.swap(at, other % (at + 1));
        }
        let mut books = Books::new(AttemptState::Submitted);
        let mut seen = std::collections::HashSet::new();
        for at in all {
            if seen.insert(at) {
                prop_assert!(!books.take(&told[at]), "{:?}", told[at]);
            }
        }
        prop_assert_eq!(&books, &expected);
        // The invoice is paid, or owed again.
        let is_paid = expected.state == AttemptState::Succeeded;
        prop_assert_eq!(books.allocated, i64::from(is_paid) * ASKED);
        let acknowledged_only = told.iter().all(|fact| *fact == Told::Acknowledged);
        prop_assert!(acknowledged_only || !books.state.in_flight());
    }

    #[test]
    fn money_is_booked_once_or_a_person_looks(
        picks in prop::collection::vec((0_u8..4, 0_i64..40), 0..12),
    ) {
        // Every fact has a key of its own here: none is the same money.
        let mut books = Books::new(AttemptState::Submitted);
        let mut moved = 0;
        for (kind, charges) in picks {
            let (fact, minor) = match kind {
                0 => (settled(charges), ASKED - charges),
                1 => (returned("AM04"), -ASKED - 300),
                2 => (rejected(Some("AM04")), 0),
                _ => (Told::Acknowledged, 0),
            };
            let late_settlement = matches!(
                (&fact, &books.state, books.was_credited),
                (Told::Settled { .. }, AttemptState::Returned { .. }, false)
            );
            let was_in_flight = books.state.in_flight();
            if books.take(&fact) {
                continue;
            }
            moved += match (&fact, late_settlement) {
                // The return booked it, whole.
                (Told::Settled { charges, .. }, true) => -charges.minor,
                (Told::Returned { .. }, _) if was_in_flight => minor + ASKED,
                _ => minor,
            };
            prop_assert_eq!(books.held, moved);
        }
        prop_assert!(books.entries.values().all(|count| *count == 1), "{books:?}");
    }
}
