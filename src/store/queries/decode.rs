//! Stored values back into domain types. A value no version of the house
//! writes is an error with its place, never a default.

use std::fmt::Display;
use std::str::FromStr;

use super::Result;
use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::LineKind;
use crate::domain::invoice::fingerprint::Digest;
use crate::store::StoreError;

/// Where a value stands, for the error.
#[derive(Clone, Copy)]
pub struct Place {
    pub table: &'static str,
    pub column: &'static str,
}

pub const fn at(table: &'static str, column: &'static str) -> Place {
    Place { table, column }
}

impl Place {
    pub fn refuse(self, row: impl Display, value: impl Display) -> StoreError {
        StoreError::Inconsistent {
            table: self.table,
            column: self.column,
            row: row.to_string(),
            value: value.to_string(),
        }
    }

    pub fn parse<T: FromStr>(self, row: impl Display, text: &str) -> Result<T> {
        text.parse().map_err(|_| self.refuse(row, text))
    }

    pub fn period(self, row: impl Display, number: i32) -> Result<PeriodKey> {
        PeriodKey::from_number(number).map_err(|_| self.refuse(row, number))
    }

    pub fn digest(self, row: impl Display, bytes: &[u8]) -> Result<Digest> {
        Digest::from_slice(bytes).ok_or_else(|| self.refuse(row, format!("{} bytes", bytes.len())))
    }

    pub fn line_kind(self, row: impl Display, code: i16) -> Result<LineKind> {
        LineKind::ALL
            .into_iter()
            .find(|kind| super::line_kind_code(*kind) == code)
            .ok_or_else(|| self.refuse(row, code))
    }
}
