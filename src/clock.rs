//! The one place that asks the machine for the time.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::calendar::Instant;

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    System,
    /// Stands still: for tests and rehearsals.
    Fixed(DateTime<Utc>),
}

impl Clock {
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the place")]
    pub fn now(self) -> Instant {
        match self {
            Self::System => Utc::now().into(),
            Self::Fixed(time) => time.into(),
        }
    }

    /// Today in a zone.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the place")]
    pub fn today(self, zone: Tz) -> NaiveDate {
        match self {
            Self::System => Utc::now().with_timezone(&zone).date_naive(),
            Self::Fixed(time) => time.with_timezone(&zone).date_naive(),
        }
    }
}
