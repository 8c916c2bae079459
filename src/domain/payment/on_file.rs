//! How a card or mandate on file stands.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};

use crate::domain::calendar::PeriodKey;

/// How a card or mandate stands by what became of it; whether a mandate lapsed
/// is a matter of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    Usable,
    /// Refused for good, with the code of the refusal.
    HardDeclined {
        code: String,
    },
    /// It waits for its customer, with the code of what was refused.
    ActionRequired {
        code: String,
    },
    /// It is never used again.
    Removed,
}

impl FileState {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::HardDeclined { .. } => "hard_declined",
            Self::ActionRequired { .. } => "action_required",
            Self::Removed => "removed",
        }
    }

    #[must_use]
    pub fn decline_code(&self) -> Option<&str> {
        match self {
            Self::HardDeclined { code } | Self::ActionRequired { code } => Some(code),
            Self::Usable | Self::Removed => None,
        }
    }

    /// The inverse of [`Self::code`] and [`Self::decline_code`]: `None` when the
    /// code is no state, or the refusal is missing or one too many.
    #[must_use]
    pub fn from_parts(code: &str, decline_code: Option<String>) -> Option<Self> {
        Some(match (code, decline_code) {
            ("usable", None) => Self::Usable,
            ("hard_declined", Some(code)) => Self::HardDeclined { code },
            ("action_required", Some(code)) => Self::ActionRequired { code },
            ("removed", None) => Self::Removed,
            _ => return None,
        })
    }
}

/// The months of which a customer is told on a day that a card is good until their
/// end: those whose last day is at most so many days away, this month first. `None`
/// with 0 days, when nobody is told, and where the calendar ends.
#[must_use]
pub fn months_expiring(today: NaiveDate, days: u32) -> Option<RangeInclusive<PeriodKey>> {
    let horizon = today.checked_add_days(Days::new(days.into()))?;
    let first = PeriodKey::of(today).ok()?;
    let of_horizon = PeriodKey::of(horizon).ok()?;
    // Its last day is the horizon itself, or later than that.
    let is_last_day = PeriodKey::of(horizon.succ_opt()?).ok() != Some(of_horizon);
    let last = if is_last_day {
        of_horizon
    } else {
        of_horizon.previous()?
    };
    (days > 0 && first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_card_is_told_of_before_its_last_day() {
        // (today, days, the months told of)
        let table = [
            ("2026-11-30", 30, Some(("2026-11", "2026-11"))),
            ("2026-12-01", 30, Some(("2026-12", "2026-12"))),
            ("2026-12-02", 30, Some(("2026-12", "2026-12"))),
            ("2026-11-30", 31, Some(("2026-11", "2026-12"))),
            ("2026-11-01", 28, None),
            ("2026-11-01", 29, Some(("2026-11", "2026-11"))),
            ("2027-01-29", 30, Some(("2027-01", "2027-02"))),
            ("2026-11-30", 0, None),
        ];
        for (today, days, told) in table {
            let told = told
                .map(|(first, last): (&str, &str)| first.parse().unwrap()..=last.parse().unwrap());
            assert_eq!(
                months_expiring(today.parse().unwrap(), days),
                told,
                "{today}, {days} days"
            );
        }
    }

    proptest! {
        /// Every month is told of on each of the days before its end, and on none
        /// before these.
        #[test]
        fn every_month_has_its_days(ahead in 0_u64..400, days in 1_u32..120) {
            let month: PeriodKey = "2027-06".parse().unwrap();
            let last_day: NaiveDate = "2027-06-30".parse().unwrap();
            let today = last_day - Days::new(ahead);
            let told = months_expiring(today, days).is_some_and(|months| months.contains(&month));
            prop_assert_eq!(told, ahead <= u64::from(days), "{}", today);
        }
    }
}
