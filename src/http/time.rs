//! Times as they are told and asked for: RFC 3339, in UTC, with milliseconds.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answer::Refused;
use crate::domain::calendar::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(DateTime<Utc>);

impl Time {
    /// # Errors
    /// When the database holds a time that no calendar has.
    pub fn of(at: Instant) -> Result<Self, Refused> {
        DateTime::from_timestamp_micros(at.0)
            .map(Self)
            .ok_or_else(|| Refused::Internal(format!("{} is no time", at.0)))
    }

    /// The same, where there is one.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn of_any(at: Option<Instant>) -> Result<Option<Self>, Refused> {
        at.map(Self::of).transpose()
    }
}

impl From<Time> for Instant {
    fn from(time: Time) -> Self {
        Self::from(time.0)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|time| Self(time.to_utc()))
            .map_err(|_| D::Error::custom("is not a time such as 2026-11-30T12:00:00Z"))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Time {}

/// A day, such as 2026-11-30.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom("is not a day such as 2026-11-30"))
    }
}

impl PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .into()
    }
}

impl ToSchema for Day {}
