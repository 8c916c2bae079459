//! The checks that the kinds of files share.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::Problem;
use crate::domain::calendar::{Instant, midnight};

/// Times of usage lie in these years.
const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2199;

/// Gathers the problems of one row.
#[derive(Default)]
pub struct Checks {
    pub problems: Vec<Problem>,
}

impl Checks {
    pub fn refuse(&mut self, column: &str, value: &str, reason: impl ToString) {
        self.problems.push(Problem::new(column, value, reason));
    }

    pub fn parse<T: FromStr<Err: ToString>>(&mut self, column: &str, value: &str) -> Option<T> {
        value
            .parse()
            .map_err(|error: T::Err| self.refuse(column, value, error))
            .ok()
    }

    /// A text of 1 to `bytes_max` bytes.
    pub fn text<'a>(&mut self, column: &str, value: &'a str, bytes_max: usize) -> Option<&'a str> {
        if value.is_empty() {
            self.refuse(column, value, "is missing");
            return None;
        }
        self.optional_text(column, value, bytes_max)
    }

    pub fn optional_text<'a>(
        &mut self,
        column: &str,
        value: &'a str,
        bytes_max: usize,
    ) -> Option<&'a str> {
        if value.len() > bytes_max {
            let reason = format!("is longer than {bytes_max} bytes");
            self.refuse(column, &super::table::excerpt(value.as_bytes()), reason);
            return None;
        }
        Some(value)
    }

    /// An RFC 3339 time with its zone.
    pub fn time(&mut self, column: &str, value: &str) -> Option<Instant> {
        use chrono::Datelike as _;
        match DateTime::parse_from_rfc3339(value) {
            Ok(time) => {
                let utc = time.with_timezone(&Utc);
                if (FIRST_YEAR..=LAST_YEAR).contains(&utc.year()) {
                    return Some(utc.into());
                }
                self.refuse(
                    column,
                    value,
                    format!("is not between {FIRST_YEAR} and {LAST_YEAR}"),
                );
            }
            Err(_) => {
                let zoneless = NaiveDateTime::from_str(value).is_ok()
                    || NaiveDateTime::from_str(&value.replace(' ', "T")).is_ok();
                let reason = if zoneless {
                    "has no time zone: end it with Z or an offset such as +02:00"
                } else if value.is_empty() {
                    "is missing"
                } else {
                    "is not an RFC 3339 time such as 2026-10-01T00:00:00Z"
                };
                self.refuse(column, value, reason);
            }
        }
        None
    }

    /// A date, meaning its first instant in the issuer's zone, or an RFC 3339
    /// time.
    pub fn date_or_time(&mut self, column: &str, value: &str, zone: Tz) -> Option<Instant> {
        match NaiveDate::from_str(value) {
            Ok(date) => {
                let start = midnight(date, zone);
                if start.is_none() {
                    self.refuse(column, value, "is out of range");
                }
                start
            }
            Err(_) => self.time(column, value),
        }
    }
}
