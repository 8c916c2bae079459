//! One account's invoices, each decided with the credit that those before it
//! left.

use chrono::NaiveDate;

use super::plan::{CollectionFacts, CollectionPolicy, Decision, Trigger, decide};
use super::{Instrument, LeftOut};

/// Decides the invoices of one account in the order they are given in, the
/// oldest first; a decision for each. `credit_minor` is the account's credit before; that of the
/// facts is not read. An invoice that the credit does not pay in full leaves it
/// to a younger one that it does.
#[must_use]
pub fn decide_round(
    credit_minor: i64,
    invoices: &[CollectionFacts<'_>],
    policy: &CollectionPolicy,
    trigger: Trigger,
    today: NaiveDate,
) -> Vec<Decision> {
    let mut credit_minor = credit_minor;
    let decide_one = |invoice: &CollectionFacts<'_>| {
        let facts = CollectionFacts {
            credit_minor,
            ..invoice.clone()
        };
        let decision = decide(&facts, policy, trigger, today);
        credit_minor = credit_minor.saturating_sub(credit_of(&decision));
        decision
    };
    invoices.iter().map(decide_one).collect()
}

/// What a decision takes of the credit, in minor units.
fn credit_of(decision: &Decision) -> i64 {
    let Decision::Charge { parts, .. } = decision else {
        return 0;
    };
    let by_credit = parts.iter().filter(|part| part.by == Instrument::Credit);
    by_credit.fold(0, |sum: i64, part| sum.saturating_add(part.amount_minor))
}

impl Decision {
    /// Why the invoice, or a rest of it, is not charged.
    #[must_use]
    pub const fn left_out(&self) -> Option<LeftOut> {
        match self {
            Self::Charge { rest, .. } => *rest,
            Self::LeaveOut(reason) => Some(*reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(open_minor: i64) -> CollectionFacts<'static> {
        CollectionFacts {
            due_on: NaiveDate::from_ymd_opt(2026, 11, 1).unwrap(),
            total_minor: 1_000,
            open_minor,
            credit_minor: 0,
            sepa: None,
            card: None,
            attempts: &[],
        }
    }

    /// What each invoice is paid of its open amount, in minor units.
    fn paid(credit_minor: i64, open_minor: &[i64], partial_credit: bool) -> Vec<i64> {
        let invoices: Vec<_> = open_minor.iter().copied().map(open).collect();
        let policy = CollectionPolicy {
            partial_credit,
            ..CollectionPolicy::default()
        };
        let today = NaiveDate::from_ymd_opt(2026, 11, 2).unwrap();
        let decided = decide_round(credit_minor, &invoices, &policy, Trigger::Schedule, today);
        decided.iter().map(credit_of).collect()
    }

    #[test]
    fn credit_is_spent_once_and_on_the_oldest_first() {
        // (credit, open, all or nothing, partial)
        let table: [(i64, &[i64], [i64; 3], [i64; 3]); 6] = [
            (0, &[10, 20, 30], [0, 0, 0], [0, 0, 0]),
            (60, &[10, 20, 30], [10, 20, 30], [10, 20, 30]),
            (59, &[10, 20, 30], [10, 20, 0], [10, 20, 29]),
            (25, &[30, 20, 10], [0, 20, 0], [25, 0, 0]),
            (10, &[0, 10, 10], [0, 10, 0], [0, 10, 0]),
            (-5, &[10, 20, 30], [0, 0, 0], [0, 0, 0]),
        ];
        for (credit, open, whole, partial) in table {
            assert_eq!(paid(credit, open, false), whole, "{credit} {open:?}");
            assert_eq!(paid(credit, open, true), partial, "{credit} {open:?}");
        }
    }
}
