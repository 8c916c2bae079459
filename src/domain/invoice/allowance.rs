//! The free trial, discounts and vouchers: negative lines that never take an
//! invoice below zero.

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::domain::account::Account;
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::AllowanceId;
use crate::domain::money::{Currency, MoneyError, round_to_minor};

/// What an allowance takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowanceValue {
    /// Percent of the usage after the trial, above 0 and up to 100.
    Percent(Decimal),
    /// What is left of a fixed amount.
    Amount { remaining_minor: i64 },
}

/// A discount or voucher granted to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    pub id: AllowanceId,
    pub value: AllowanceValue,
    /// The first period it applies to.
    pub valid_from: PeriodKey,
    /// The last one; `None` for no end.
    pub valid_until: Option<PeriodKey>,
}

impl Allowance {
    #[must_use]
    pub fn applies_to(&self, period: PeriodKey) -> bool {
        self.valid_from <= period && self.valid_until.is_none_or(|last| period <= last)
    }

    /// What the allowance takes off a net amount, positive, at most all of it.
    ///
    /// # Errors
    /// When the amount is out of range.
    pub fn taken_from(&self, net_minor: i64, currency: Currency) -> Result<i64, MoneyError> {
        let off = match self.value {
            AllowanceValue::Amount { remaining_minor } => remaining_minor,
            AllowanceValue::Percent(percent) => {
                let part = Decimal::new(net_minor, currency.minor_digits())
                    .checked_mul(percent)
                    .ok_or(MoneyError::Overflow)?
                    / Decimal::ONE_HUNDRED;
                round_to_minor(part, currency)?
            }
        };
        Ok(off.clamp(0, net_minor.max(0)))
    }
}

/// The free trial of an account: `[start, end)`, a number of days of 24 hours
/// from its sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeTrial {
    pub start: Instant,
    pub end: Instant,
}

impl FreeTrial {
    #[must_use]
    pub fn of(created_at: Instant, days: u32) -> Self {
        let length_us = i64::from(days).saturating_mul(86_400_000_000);
        Self {
            start: created_at,
            end: Instant(created_at.0.saturating_add(length_us)),
        }
    }

    /// The same, where its customer may have ended it before its time.
    #[must_use]
    pub fn ended(self, at: Option<Instant>) -> Self {
        let end = at.map_or(self.end, |at| at.min(self.end).max(self.start));
        Self { end, ..self }
    }

    /// The free trial of an account.
    #[must_use]
    pub fn of_account(account: &Account, days: u32) -> Self {
        Self::of(account.created_at, days).ended(account.trial_ended_at)
    }

    /// The dates printed on the trial's line: `2026-10-01 -> 2026-10-31` for 30
    /// days from the first of October, or until the day on which its customer ended
    /// it. An invoice that was issued before that day prints what it did: what
    /// counts is what had ended by the end of the invoice's period.
    #[must_use]
    pub fn dates(
        (created_at, ended_at): (Instant, Option<Instant>),
        period_end: Instant,
        days: u32,
        zone: Tz,
    ) -> Option<(NaiveDate, NaiveDate)> {
        let first = created_at.date_in(zone)?;
        let end = match ended_at.filter(|at| *at < period_end) {
            Some(at) => at.date_in(zone)?,
            None => first.checked_add_days(Days::new(u64::from(days)))?,
        };
        Some((first, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowance(value: AllowanceValue) -> Allowance {
        Allowance {
            id: AllowanceId(1),
            value,
            valid_from: PeriodKey::new(2026, 1).unwrap(),
            valid_until: PeriodKey::new(2026, 12).ok(),
        }
    }

    #[test]
    fn takes_off_at_most_everything() {
        let percent = |percent: &str| AllowanceValue::Percent(percent.parse().unwrap());
        let amount = |remaining_minor| AllowanceValue::Amount { remaining_minor };
        let table = [
            (percent("20"), 1000, 200),
            (percent("20"), 1002, 200),
            (percent("20"), 1003, 201),
            (percent("100"), 999, 999),
            (percent("20"), -50, 0),
            (amount(500), 1000, 500),
            (amount(5000), 1000, 1000),
            (amount(0), 1000, 0),
            (amount(500), 0, 0),
        ];
        for (value, net, off) in table {
            assert_eq!(
                allowance(value).taken_from(net, Currency::Eur),
                Ok(off),
                "{value:?} {net}"
            );
        }
    }

    #[test]
    fn applies_from_its_first_to_its_last_period() {
        let year = allowance(AllowanceValue::Percent(Decimal::TEN));
        let on = |text: &str| year.applies_to(text.parse().unwrap());
        assert_eq!(
            [on("2025-12"), on("2026-01"), on("2026-12"), on("2027-01")],
            [false, true, true, false]
        );
    }

    #[test]
    fn the_trial_ends_thirty_days_after_it_starts() {
        let start = Instant(1_790_812_800_000_000); // 2026-10-01T00:00:00Z
        let trial = FreeTrial::of(start, 30);
        assert_eq!(trial.end.to_string(), "2026-10-31T00:00:00Z");
        let zone = chrono_tz::Europe::Paris;
        let until = |ended_at, period_end| {
            FreeTrial::dates((start, ended_at), period_end, 30, zone).unwrap()
        };
        let (first, last) = until(None, Instant(i64::MAX));
        // What is ended afterwards is not printed on what was issued before.
        let day = Instant(start.0 + 86_400_000_000);
        assert_eq!(until(Some(day), day), (first, last));
        let early = until(Some(day), Instant(day.0 + 1));
        assert_eq!(early, (first, first.succ_opt().unwrap()));
        for (ended_at, end) in [
            (None, trial.end),
            (Some(day), day),
            (Some(Instant(0)), start),
            (Some(Instant(i64::MAX)), trial.end),
        ] {
            assert_eq!(trial.ended(ended_at).end, end, "{ended_at:?}");
        }
        assert_eq!(format!("{first} -> {last}"), "2026-10-01 -> 2026-10-31");
    }

    proptest! {
        #[test]
        fn a_percentage_never_exceeds_the_net(net in 0_i64..10_i64.pow(12), tenths in 1_i64..=1000) {
            let value = AllowanceValue::Percent(Decimal::new(tenths, 1));
            let off = allowance(value).taken_from(net, Currency::Eur).unwrap();
            prop_assert!((0..=net).contains(&off));
        }
    }
}
