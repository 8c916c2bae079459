//! What a customer means to spend in a month, and when it is told how far it is.

use super::calendar::PeriodKey;

/// The parts of a budget that are told, in percent.
pub const THRESHOLDS_PERCENT: [i16; 3] = [50, 80, 100];

/// A budget, and what was told of it. Amounts are in minor units of the account's
/// currency, with VAT: what the invoice will ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Above 0.
    pub amount_minor: i64,
    /// The month it was last told of, and the largest part that it was told, in
    /// percent.
    pub told: Option<(PeriodKey, i16)>,
}

impl Budget {
    /// The largest part that is reached by so much; 0 where none is.
    #[must_use]
    pub fn reached_percent(&self, spent_minor: i64) -> i16 {
        let is_reached = |percent: &i16| {
            i128::from(spent_minor) * 100 >= i128::from(self.amount_minor) * i128::from(*percent)
        };
        let reached = THRESHOLDS_PERCENT.into_iter().filter(is_reached);
        reached.max().unwrap_or(0)
    }

    /// The part to tell of now: the largest that is reached, where it was not told in
    /// this month. Nobody is told of the smaller ones as well that were passed since.
    #[must_use]
    pub fn due_percent(&self, period: PeriodKey, spent_minor: i64) -> Option<i16> {
        let told = match self.told {
            Some((told, percent)) if told == period => percent,
            _ => 0,
        };
        let reached = self.reached_percent(spent_minor);
        (reached > told).then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(month: u32) -> PeriodKey {
        PeriodKey::new(2026, month).unwrap()
    }

    #[test]
    fn each_part_is_told_once_a_month() {
        for (amount, told, spent, due) in [
            (1_000, None, 0, None),
            (1_000, None, 499, None),
            (1_000, None, 500, Some(50)),
            (1_000, Some((11, 50)), 500, None),
            (1_000, Some((11, 50)), 799, None),
            (1_000, Some((11, 50)), 800, Some(80)),
            (1_000, Some((11, 80)), 999, None),
            (1_000, Some((11, 80)), 1_000, Some(100)),
            (1_000, Some((11, 100)), 5_000, None),
            // Past several at once: the largest alone.
            (1_000, None, 1_000, Some(100)),
            (1_000, Some((11, 50)), 2_000, Some(100)),
            // A new month begins anew.
            (1_000, Some((10, 100)), 500, Some(50)),
            (1_000, Some((10, 100)), 499, None),
            // Halves are exact.
            (1, None, 0, None),
            (1, None, 1, Some(100)),
            (3, None, 1, None),
            (3, None, 2, Some(50)),
            (i64::MAX, None, i64::MAX, Some(100)),
            (1_000, None, -5, None),
        ] {
            let budget = Budget {
                amount_minor: amount,
                told: told.map(|(told, percent)| (month(told), percent)),
            };
            assert_eq!(
                budget.due_percent(month(11), spent),
                due,
                "{budget:?} {spent}"
            );
        }
    }

    proptest! {
        /// However spending goes, up or down, a month tells each part at most once, in
        /// rising order, and in the end the largest that was ever reached.
        #[test]
        fn a_month_rises(amount in 1_i64..100_000, spends in prop::collection::vec(-10_i64..200_000, 0..30)) {
            let mut budget = Budget { amount_minor: amount, told: None };
            let mut all = Vec::new();
            for spent in &spends {
                if let Some(percent) = budget.due_percent(month(11), *spent) {
                    prop_assert!(i128::from(*spent) * 100 >= i128::from(amount) * i128::from(percent));
                    all.push(percent);
                    budget.told = Some((month(11), percent));
                }
            }
            prop_assert!(all.is_sorted_by(|a, b| a < b), "{:?}", all);
            let largest = spends.iter().map(|spent| budget.reached_percent(*spent)).max();
            prop_assert_eq!(all.last().copied().unwrap_or(0), largest.unwrap_or(0));
        }
    }
}
