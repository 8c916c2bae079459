use chrono::Days;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::ids::PaymentMethodId;
use crate::domain::money::Currency;
use crate::domain::payment::{AttemptState, Decline, Instrument, Ladder};

/// Days after 1 October 2026, when the invoice is due.
fn day(days: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 1).unwrap() + Days::new(days)
}

fn facts() -> DunningFacts<'static> {
    DunningFacts {
        due_on: day(0),
        open_minor: 1_200,
        owed: Money::new(1_200, Currency::Eur),
        attempts: &[],
        payment_out: false,
        charge_due: false,
        taken: &[],
        is_suspended: false,
        was_restored: false,
        warning_unsent: false,
        held_until: None,
        has_health_data: false,
        deletion_approved: false,
    }
}

const fn suspension_in(days_before: u32) -> Step {
    Step::SuspensionWarning { days_before }
}

const fn deletion_in(days_before: u32) -> Step {
    Step::DeletionWarning { days_before }
}

fn on(step: Step, days: u64) -> TakenStep {
    TakenStep {
        step,
        on: day(days),
    }
}

fn debit(made: u64, ended: Option<u64>, state: AttemptState) -> PastAttempt {
    PastAttempt {
        by: Instrument::Sepa(PaymentMethodId(2)),
        made_on: day(made),
        ended_on: ended.map(day),
        state,
    }
}

fn next(facts: &DunningFacts<'_>, today: u64) -> Option<(Step, NaiveDate, Readiness)> {
    next_step(facts, &DunningPolicy::default(), day(today))
        .map(|next| (next.step, next.on, next.readiness))
}

/// Takes what is due on every day on which the machine runs.
fn diary(
    from: u64,
    until: u64,
    runs: impl Fn(u64) -> bool,
    change: impl Fn(u64, &mut DunningFacts<'_>),
) -> Vec<(u64, Step)> {
    let policy = DunningPolicy::default();
    let mut taken = Vec::new();
    let mut told = Vec::new();
    for today in (from..=until).filter(|today| runs(*today)) {
        // Every step of a day, as a round that is run again and again would.
        loop {
            let known = taken.clone();
            let mut facts = DunningFacts {
                taken: &known,
                is_suspended: known
                    .iter()
                    .any(|step: &TakenStep| step.step == Step::Suspension),
                ..facts()
            };
            change(today, &mut facts);
            match next_step(&facts, &policy, day(today)) {
                Some(next) if next.readiness == Readiness::Now => {
                    taken.push(on(next.step, today));
                    told.push((today, next.step));
                }
                _ => break,
            }
        }
    }
    told
}

const EVERY_STEP: [(u64, Step); 7] = [
    (8, suspension_in(7)),
    (14, suspension_in(1)),
    (15, Step::Suspension),
    (31, deletion_in(14)),
    (38, deletion_in(7)),
    (44, deletion_in(1)),
    (45, Step::Deletion),
];

#[test]
fn the_defaults_are_those_of_the_house() {
    assert_eq!(diary(0, 100, |_| true, |_, _| {}), EVERY_STEP);
}

#[test]
fn a_machine_that_was_off_sends_one_overdue_step_and_keeps_its_promise() {
    // Off from day 7 to day 12: the warning of day 8 comes on day 13, and says "in 7 days".
    let off = diary(0, 100, |today| !(7..=12).contains(&today), |_, _| {});
    assert_eq!(
        off[..4],
        [
            (13, suspension_in(7)),
            (19, suspension_in(1)),
            (20, Step::Suspension),
            (36, deletion_in(14)),
        ]
    );
    // Off for months: still every step, once and in its order.
    let off = diary(0, 300, |today| today == 0 || today > 200, |_, _| {});
    let late: Vec<(u64, Step)> = EVERY_STEP
        .iter()
        .map(|(day, step)| (day + 193, *step))
        .collect();
    assert_eq!(off, late);
}

#[test]
fn nothing_is_owed_nothing_comes() {
    let paid = DunningFacts {
        open_minor: 0,
        ..facts()
    };
    assert_eq!(next(&paid, 400), None);
    let everything: Vec<TakenStep> = EVERY_STEP.map(|(day, step)| on(step, day)).into();
    let deleted = DunningFacts {
        taken: &everything,
        is_suspended: true,
        ..facts()
    };
    assert_eq!(next(&deleted, 400), None);
}

#[test]
fn what_blocks_which_step() {
    let until = day(50);
    type Change = fn(&mut DunningFacts<'_>);
    // (what is so, the block, whether it keeps a warning, a suspension, a deletion back)
    let blocks: [(Change, Block, [bool; 3]); 7] = [
        (
            |facts| facts.held_until = Some(day(50)),
            Block::Held { until },
            [true, true, true],
        ),
        (
            |facts| facts.payment_out = true,
            Block::PaymentOut,
            [true, true, true],
        ),
        (
            |facts| facts.charge_due = true,
            Block::ChargeDue,
            [false, true, true],
        ),
        (
            |facts| facts.warning_unsent = true,
            Block::WarningUnsent,
            [false, true, true],
        ),
        (
            |facts| facts.has_health_data = true,
            Block::NeedsApproval,
            [false, false, true],
        ),
        (
            |facts| facts.owed = Money::new(50_001, Currency::Eur),
            Block::NeedsApproval,
            [false, false, true],
        ),
        (
            |facts| facts.owed = Money::new(501, Currency::Jpy),
            Block::NeedsApproval,
            [false, false, true],
        ),
    ];
    let warned = [on(suspension_in(7), 8), on(suspension_in(1), 14)];
    let suspended = [
        on(Step::Suspension, 15),
        on(deletion_in(14), 31),
        on(deletion_in(7), 38),
        on(deletion_in(1), 44),
    ];
    let standings: [(&[TakenStep], u64, Step); 3] = [
        (&[], 8, suspension_in(7)),
        (&warned, 15, Step::Suspension),
        (&suspended, 45, Step::Deletion),
    ];
    for (change, block, keeps) in blocks {
        for ((taken, today, step), is_kept) in standings.into_iter().zip(keeps) {
            let mut facts = DunningFacts {
                taken,
                is_suspended: step == Step::Deletion,
                ..facts()
            };
            assert_eq!(next(&facts, today).unwrap().2, Readiness::Now, "{step}");
            change(&mut facts);
            let expected = if is_kept {
                Readiness::Blocked(block)
            } else {
                Readiness::Now
            };
            // What is held comes when it is not held any more.
            let comes_on = match block {
                Block::Held { until } => until,
                _ => day(today),
            };
            assert_eq!(
                next(&facts, today),
                Some((step, comes_on, expected)),
                "{step} and {block}"
            );
        }
    }
    // What a person approved is done, and what is exactly at the bound needs nobody.
    let enough: [Change; 2] = [
        |facts| facts.deletion_approved = true,
        |facts| {
            facts.has_health_data = false;
            facts.owed = Money::new(50_000, Currency::Eur);
        },
    ];
    for change in enough {
        let mut facts = DunningFacts {
            taken: &suspended,
            is_suspended: true,
            has_health_data: true,
            owed: Money::new(90_000, Currency::Eur),
            ..facts()
        };
        change(&mut facts);
        assert_eq!(next(&facts, 45).unwrap().2, Readiness::Now);
    }
    // A hold ends on its day.
    let held = DunningFacts {
        held_until: Some(day(8)),
        ..facts()
    };
    assert_eq!(next(&held, 8).unwrap().2, Readiness::Now);
}

#[test]
fn a_debit_in_flight_stops_the_clock() {
    let out = [debit(5, None, AttemptState::Pending)];
    let facts = DunningFacts {
        attempts: &out,
        payment_out: true,
        ..facts()
    };
    // On day 12 it is out for 7 days: the warning would come on day 15, and so on.
    assert_eq!(
        next(&facts, 12),
        Some((suspension_in(7), day(15), Readiness::Later))
    );
    // It comes back on day 13, 8 days later.
    let reason = Decline::sepa("AM04");
    let back = [debit(5, Some(13), AttemptState::Returned { reason })];
    let facts = DunningFacts {
        attempts: &back,
        payment_out: false,
        ..facts
    };
    assert_eq!(
        next(&facts, 13),
        Some((suspension_in(7), day(16), Readiness::Later))
    );
}

#[test]
fn a_late_return_suspends_at_once_and_warns_of_the_deletion_anew() {
    let restored = DunningFacts {
        was_restored: true,
        ..facts()
    };
    assert_eq!(
        next(&restored, 60),
        Some((Step::Suspension, day(60), Readiness::Now))
    );
    let again = [on(Step::Suspension, 60)];
    let suspended = DunningFacts {
        was_restored: true,
        is_suspended: true,
        taken: &again,
        ..facts()
    };
    assert_eq!(
        next(&suspended, 61),
        Some((deletion_in(14), day(76), Readiness::Later))
    );
}

#[test]
fn a_changed_policy_adds_nothing_before_what_was_done() {
    let approval = ApprovalPolicy::default();
    let policy = DunningPolicy::new(
        (20, vec![7, 3]),
        (30, vec![14, 7, 1]),
        approval,
        &Ladder::default(),
    )
    .unwrap();
    let taken = [
        on(suspension_in(7), 8),
        on(suspension_in(1), 14),
        on(Step::Suspension, 15),
    ];
    let facts = DunningFacts {
        taken: &taken,
        is_suspended: true,
        ..facts()
    };
    let next = next_step(&facts, &policy, day(16)).unwrap();
    assert_eq!((next.step, next.on), (deletion_in(14), day(31)));
}

#[test]
fn days_that_do_not_follow_each_other_are_refused() {
    let new = |suspension, deletion| {
        let approval = ApprovalPolicy::default();
        DunningPolicy::new(suspension, deletion, approval, &Ladder::default())
    };
    let good = || (30, vec![14, 7, 1]);
    let refused = [
        (
            new((12, vec![7, 1]), good()),
            PolicyError::SuspensionBeforeLastAttempt {
                suspension: 12,
                last_attempt: 12,
            },
        ),
        (
            new((15, vec![1, 7]), good()),
            PolicyError::Warnings(vec![1, 7]),
        ),
        (
            new((15, vec![7, 7]), good()),
            PolicyError::Warnings(vec![7, 7]),
        ),
        (
            new((15, vec![7, 0]), good()),
            PolicyError::Warnings(vec![7, 0]),
        ),
        (
            new((15, vec![15]), good()),
            PolicyError::WarningTooEarly {
                warning: 15,
                days: 15,
            },
        ),
        (
            new((15, vec![7, 1]), (30, vec![30])),
            PolicyError::WarningTooEarly {
                warning: 30,
                days: 30,
            },
        ),
        (
            new((15, vec![7, 1]), (30, vec![])),
            PolicyError::NoDeletionWarning,
        ),
        (
            new((15, vec![7, 1]), (0, vec![1])),
            PolicyError::DeletionAtOnce,
        ),
    ];
    for (made, error) in refused {
        assert_eq!(made, Err(error));
    }
    assert_eq!(new((15, vec![7, 1]), good()), Ok(DunningPolicy::default()));
    assert!(new((13, vec![]), (1, vec![])).is_err());
    assert_eq!(new((13, vec![]), good()).unwrap().first_day(), 13);
    assert_eq!(DunningPolicy::default().first_day(), 8);
}

#[test]
fn a_step_is_its_code() {
    for (_, step) in EVERY_STEP {
        assert_eq!(Step::from_code(&step.code()), Some(step));
    }
    for wrong in [
        "",
        "suspended",
        "suspension_warning_",
        "deletion_warning_07",
        "deletion_warning_+7",
    ] {
        assert_eq!(Step::from_code(wrong), None, "{wrong}");
    }
}

#[test]
fn approval_counts_in_the_currency_owed() {
    let policy = ApprovalPolicy {
        by_currency: vec![(Currency::Huf, Decimal::from(200_000))],
        ..ApprovalPolicy::default()
    };
    assert!(!policy.is_needed(Money::new(20_000_000, Currency::Huf), false));
    assert!(policy.is_needed(Money::new(20_000_001, Currency::Huf), false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whenever the machine runs, and whatever blocks meanwhile: every step at
    /// most once, in its order, never before its day, never closer to the one
    /// before than the policy sets them apart, and nothing while money is out.
    #[test]
    fn steps_come_once_in_order_and_never_early(
        runs in prop::collection::vec(any::<bool>(), 200),
        out in prop::collection::vec(prop::bool::weighted(0.2), 200),
        held in prop::option::of(0_u64..60),
    ) {
        let flag = |flags: &[bool], today: u64| flags[usize::try_from(today).unwrap()];
        let told = diary(
            0,
            199,
            |today| flag(&runs, today),
            |today, facts| {
                facts.payment_out = flag(&out, today);
                facts.held_until = held.map(day);
            },
        );
        let order: Vec<Step> = told.iter().map(|(_, step)| *step).collect();
        prop_assert_eq!(&order[..], &DunningPolicy::default().steps()[..order.len()]);
        let free = (0..200).filter(|today| {
            flag(&runs, *today) && !flag(&out, *today) && held.is_none_or(|until| *today >= until)
        });
        // About half the days will do for all of them.
        prop_assert!(free.count() < 60 || order.len() == 7, "{told:?}");
        for ((today, step), (planned, _)) in told.iter().zip(EVERY_STEP) {
            prop_assert!(*today >= planned, "{step} on day {today}");
            prop_assert!(!flag(&out, *today), "{step} while money is out");
            prop_assert!(held.is_none_or(|until| *today >= until), "{step} while held");
        }
        for (pair, planned) in told.windows(2).zip(EVERY_STEP.windows(2)) {
            prop_assert!(pair[1].0 - pair[0].0 >= planned[1].0 - planned[0].0, "{told:?}");
        }
    }
}
