//! Invoice numbers: `{series}-{year}-{sequence}`, gapless and chronological per
//! series, starting over each year. The sequence is shown with six digits, so
//! that numbers sort as text; it grows beyond them when it has to.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

/// The text is not a series name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a series: 1 to 10 capital letters and digits, such as Q or INV")]
pub struct SeriesNameError(pub String);

/// The name of a number series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesName(String);

impl SeriesName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SeriesName {
    type Err = SeriesNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if (1..=10).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SeriesNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for SeriesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not an invoice number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an invoice number like Q-2026-000001")]
pub struct InvoiceNumberError(pub String);

/// The number of an issued invoice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvoiceNumber {
    pub series: SeriesName,
    /// The year of issue.
    pub year: i32,
    /// From 1 each year.
    pub sequence: i64,
}

impl fmt::Display for InvoiceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:06}", self.series, self.year, self.sequence)
    }
}

impl FromStr for InvoiceNumber {
    type Err = InvoiceNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvoiceNumberError(text.to_owned());
        let mut parts = text.split('-');
        let (series, year, sequence) =
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(series), Some(year), Some(sequence), None) => (series, year, sequence),
                _ => return Err(refuse()),
            };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year) || !digits(sequence) {
            return Err(refuse());
        }
        Ok(Self {
            series: series.parse().map_err(|_| refuse())?,
            year: year.parse().map_err(|_| refuse())?,
            sequence: sequence.parse().map_err(|_| refuse())?,
        })
    }
}

/// Where a series stands: what the next batch of invoices continues from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesHead {
    pub series: SeriesName,
    pub year: i32,
    /// The last sequence given in `year`; 0 for none.
    pub last_sequence: i64,
    /// The date of the last invoice; `None` before the first.
    pub last_issued_on: Option<NaiveDate>,
}

impl SeriesHead {
    /// The head to number a batch issued `today` from, and its issue date. A
    /// clock that went back never dates an invoice before its predecessor; a
    /// new year starts a new sequence.
    #[must_use]
    pub fn advance_to(self, today: NaiveDate) -> (Self, NaiveDate) {
        let issued_on = self.last_issued_on.map_or(today, |last| last.max(today));
        let head = if issued_on.year() == self.year {
            self
        } else {
            Self {
                year: issued_on.year(),
                last_sequence: 0,
                ..self
            }
        };
        (head, issued_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_and_parse() {
        for text in ["Q-2026-000001", "INV2-2026-1234567"] {
            let number: InvoiceNumber = text.parse().unwrap();
            assert_eq!(number.to_string(), text);
        }
        assert_eq!(
            "Q-2026-1".parse::<InvoiceNumber>().unwrap().to_string(),
            "Q-2026-000001"
        );
        for wrong in [
            "",
            "Q-2026",
            "Q-2026-1-2",
            "q-2026-1",
            "Q-2026-x",
            "Q-2026--1",
            "Q/2026/1",
        ] {
            assert!(wrong.parse::<InvoiceNumber>().is_err(), "{wrong}");
        }
        assert!("ABCDEFGHIJK".parse::<SeriesName>().is_err());
    }

    #[test]
    fn a_series_never_goes_back_in_time() {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day);
        let head = |last_issued_on| SeriesHead {
            series: "Q".parse().unwrap(),
            year: 2026,
            last_sequence: 41,
            last_issued_on,
        };
        let today = day(11, 1).unwrap();
        let (next, issued_on) = head(day(10, 1)).advance_to(today);
        assert_eq!((next.last_sequence, issued_on), (41, today));
        let (_, issued_on) = head(day(11, 3)).advance_to(today);
        assert_eq!(Some(issued_on), day(11, 3));
        let new_year = NaiveDate::from_ymd_opt(2027, 1, 1).unwrap();
        let (next, issued_on) = head(day(12, 31)).advance_to(new_year);
        assert_eq!(
            (next.year, next.last_sequence, issued_on),
            (2027, 0, new_year)
        );
        // back over the year's end: stays in the new year
        let (next, issued_on) = SeriesHead {
            year: 2027,
            last_sequence: 5,
            last_issued_on: Some(new_year),
            ..head(None)
        }
        .advance_to(day(12, 31).unwrap());
        assert_eq!(
            (next.year, next.last_sequence, issued_on),
            (2027, 5, new_year)
        );
    }
}
