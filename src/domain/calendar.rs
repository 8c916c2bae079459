//! Instants and billing periods. A period is a calendar month in the issuer's
//! zone, held as its key (`2026-10`) with half-open UTC bounds.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The calendar date of this instant in a zone; `None` past year 262,000.
    #[must_use]
    pub fn date_in(self, zone: Tz) -> Option<NaiveDate> {
        DateTime::<Utc>::from_timestamp_micros(self.0)
            .map(|utc| utc.with_timezone(&zone).date_naive())
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(utc) => f.write_str(&utc.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            None => write!(f, "{} microseconds", self.0),
        }
    }
}

/// The text is not a month like `2026-10`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a month between 2000-01 and 2199-12; write it like 2026-10")]
pub struct PeriodKeyError(pub String);

/// The key of a billing period: a year and a month, printed `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeriodKey {
    year: i32,
    month: u32,
}

impl PeriodKey {
    /// # Errors
    /// Outside 2000-01 to 2199-12.
    pub fn new(year: i32, month: u32) -> Result<Self, PeriodKeyError> {
        if (2000..2200).contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(PeriodKeyError(format!("{year:04}-{month:02}")))
        }
    }

    /// The month a date lies in.
    ///
    /// # Errors
    /// Outside 2000-01 to 2199-12.
    pub fn of(date: NaiveDate) -> Result<Self, PeriodKeyError> {
        Self::new(date.year(), date.month())
    }

    #[must_use]
    pub const fn year(self) -> i32 {
        self.year
    }

    #[must_use]
    pub const fn month(self) -> u32 {
        self.month
    }

    /// `202610`: how the stores hold it.
    #[must_use]
    pub fn to_number(self) -> i32 {
        self.year * 100 + i32::try_from(self.month).unwrap_or(0)
    }

    /// The inverse of [`Self::to_number`].
    ///
    /// # Errors
    /// When the number names no month.
    pub fn from_number(number: i32) -> Result<Self, PeriodKeyError> {
        let month = u32::try_from(number % 100).unwrap_or(0);
        Self::new(number / 100, month).map_err(|_| PeriodKeyError(number.to_string()))
    }

    /// The month before; `None` before 2000-01.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        match self.month {
            1 => Self::new(self.year - 1, 12).ok(),
            month => Self::new(self.year, month - 1).ok(),
        }
    }

    /// The month after; `None` after 2199-12.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self.month {
            12 => Self::new(self.year + 1, 1).ok(),
            month => Self::new(self.year, month + 1).ok(),
        }
    }
}

impl fmt::Display for PeriodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for PeriodKey {
    type Err = PeriodKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || PeriodKeyError(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(refuse)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(refuse());
        }
        let year = year.parse().map_err(|_| refuse())?;
        let month = month.parse().map_err(|_| refuse())?;
        Self::new(year, month).map_err(|_| refuse())
    }
}

/// A billing period: the key and its half-open UTC bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingPeriod {
    pub key: PeriodKey,
    pub start: Instant,
    /// The first instant that no longer belongs to the period.
    pub end: Instant,
}

impl BillingPeriod {
    /// The calendar month `key` in the issuer's zone.
    ///
    /// # Errors
    /// When the zone has no such midnight within the supported years.
    pub fn new(key: PeriodKey, zone: Tz) -> Result<Self, PeriodKeyError> {
        let refuse = || PeriodKeyError(key.to_string());
        let first = NaiveDate::from_ymd_opt(key.year, key.month, 1).ok_or_else(refuse)?;
        let next = first
            .checked_add_months(chrono::Months::new(1))
            .ok_or_else(refuse)?;
        Ok(Self {
            key,
            start: midnight(first, zone).ok_or_else(refuse)?,
            end: midnight(next, zone).ok_or_else(refuse)?,
        })
    }

    /// The first calendar day of the month.
    #[must_use]
    pub fn first_day(&self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.key.year, self.key.month, 1).unwrap_or_default()
    }

    /// The last calendar day of the month.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        self.first_day()
            .checked_add_months(chrono::Months::new(1))
            .and_then(|next| next.checked_sub_days(Days::new(1)))
            .unwrap_or_default()
    }
}

/// The first instant of a day in a zone. Where a clock change skips midnight
/// the day starts at the first hour that exists.
#[must_use]
pub fn midnight(day: NaiveDate, zone: Tz) -> Option<Instant> {
    (0..4).find_map(|hour| {
        let local = day.and_hms_opt(hour, 0, 0)?;
        zone.from_local_datetime(&local)
            .earliest()
            .map(|time| Instant::from(time.with_timezone(&Utc)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn period(key: &str) -> BillingPeriod {
        BillingPeriod::new(key.parse().unwrap(), chrono_tz::Europe::Paris).unwrap()
    }

    #[test]
    fn months_have_their_real_length_in_the_issuers_zone() {
        // (month, hours): February, a leap February, both clock changes, 31 days.
        let table = [
            ("2026-02", 28 * 24),
            ("2028-02", 29 * 24),
            ("2026-03", 31 * 24 - 1),
            ("2026-10", 31 * 24 + 1),
            ("2026-12", 31 * 24),
            ("2026-11", 30 * 24),
        ];
        for (key, hours) in table {
            let period = period(key);
            assert_eq!(period.end.0 - period.start.0, hours * HOUR_US, "{key}");
        }
        assert_eq!(period("2026-10").start.to_string(), "2026-09-30T22:00:00Z");
        assert_eq!(period("2026-10").end.to_string(), "2026-10-31T23:00:00Z");
        assert_eq!(period("2028-02").last_day().day(), 29);
    }

    #[test]
    fn months_follow_each_other_without_gap_or_overlap() {
        let mut current = period("2025-01");
        for _ in 0..60 {
            let next = period(&current.key.next().unwrap().to_string());
            assert_eq!(current.end, next.start);
            assert_eq!(next.key.previous(), Some(current.key));
            assert_eq!(PeriodKey::from_number(next.key.to_number()), Ok(next.key));
            current = next;
        }
    }

    #[test]
    fn refuses_what_is_no_month() {
        for text in [
            "2026-13", "2026-00", "2026-1", "26-10", "2026/10", "", "+026-10", "1999-12",
        ] {
            assert!(text.parse::<PeriodKey>().is_err(), "{text}");
        }
    }
}
