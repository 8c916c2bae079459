//! VAT rates with their validity dates.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A rate of a region that holds from a date on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VatRate {
    /// A country (ISO 3166-1), or a part with a rate of its own: `PT-20` the
    /// Azores, `PT-30` Madeira (ISO 3166-2), and our own `AT-JM` for Jungholz
    /// and Mittelberg, which have no code.
    pub region: String,
    /// Percent: 20 for 20 %.
    pub rate: Decimal,
    pub valid_from: NaiveDate,
}

/// Standard rates of the member states and of the French overseas departments
/// (per mille, valid from), from the European Commission's "VAT rates applied
/// in the member states"; the history reaches back to the start of 2020.
const STANDARD: [(&str, i64, (i32, u32, u32)); 38] = [
    ("AT", 200, (2020, 1, 1)),
    ("AT-JM", 190, (2020, 1, 1)),
    ("BE", 210, (2020, 1, 1)),
    ("BG", 200, (2020, 1, 1)),
    ("CY", 190, (2020, 1, 1)),
    ("CZ", 210, (2020, 1, 1)),
    ("DE", 190, (2021, 1, 1)),
    ("DK", 250, (2020, 1, 1)),
    ("EE", 200, (2020, 1, 1)),
    ("EE", 220, (2024, 1, 1)),
    ("EE", 240, (2025, 7, 1)),
    ("ES", 210, (2020, 1, 1)),
    ("FI", 240, (2020, 1, 1)),
    ("FI", 255, (2024, 9, 1)),
    ("FR", 200, (2020, 1, 1)),
    ("GP", 85, (2020, 1, 1)),
    ("MQ", 85, (2020, 1, 1)),
    ("RE", 85, (2020, 1, 1)),
    ("GR", 240, (2020, 1, 1)),
    ("HR", 250, (2020, 1, 1)),
    ("HU", 270, (2020, 1, 1)),
    ("IE", 230, (2021, 3, 1)),
    ("IT", 220, (2020, 1, 1)),
    ("LT", 210, (2020, 1, 1)),
    ("LU", 170, (2020, 1, 1)),
    ("LV", 210, (2020, 1, 1)),
    ("MT", 180, (2020, 1, 1)),
    ("NL", 210, (2020, 1, 1)),
    ("PL", 230, (2020, 1, 1)),
    ("PT", 230, (2020, 1, 1)),
    ("PT-20", 160, (2021, 7, 1)),
    ("PT-30", 220, (2020, 1, 1)),
    ("RO", 190, (2020, 1, 1)),
    ("RO", 210, (2025, 8, 1)),
    ("SE", 250, (2020, 1, 1)),
    ("SI", 220, (2020, 1, 1)),
    ("SK", 200, (2020, 1, 1)),
    ("SK", 230, (2025, 1, 1)),
];

/// Every known rate; later entries and later dates win.
#[derive(Debug, Clone)]
pub struct RateTable {
    rates: Vec<VatRate>,
}

impl RateTable {
    /// The built-in standard rates, with the operator's own on top: a rate of
    /// the settings replaces a built-in one of the same date.
    #[must_use]
    pub fn with_overrides(overrides: impl IntoIterator<Item = VatRate>) -> Self {
        let built_in = STANDARD
            .iter()
            .filter_map(|&(code, per_mille, (year, month, day))| {
                Some(VatRate {
                    region: code.to_owned(),
                    rate: Decimal::new(per_mille, 1).normalize(),
                    valid_from: NaiveDate::from_ymd_opt(year, month, day)?,
                })
            });
        Self {
            rates: built_in.chain(overrides).collect(),
        }
    }

    /// Whether any rate is known for a region.
    #[must_use]
    pub fn knows(&self, region: &str) -> bool {
        self.rates.iter().any(|rate| rate.region == region)
    }

    /// The rate of a region on a date.
    #[must_use]
    pub fn rate_on(&self, region: &str, date: NaiveDate) -> Option<Decimal> {
        self.rates
            .iter()
            .filter(|rate| rate.region == region && rate.valid_from <= date)
            .max_by_key(|rate| rate.valid_from)
            .map(|rate| rate.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn every_built_in_rate_is_usable() {
        let table = RateTable::with_overrides([]);
        assert_eq!(table.rates.len(), STANDARD.len());
    }

    #[test]
    fn a_rate_holds_from_its_date_on() {
        let table = RateTable::with_overrides([VatRate {
            region: "FR".to_owned(),
            rate: Decimal::from(21),
            valid_from: day(2027, 1, 1),
        }]);
        let on = |code: &str, date| table.rate_on(code, date);
        assert_eq!(on("EE", day(2025, 6, 30)), Some(Decimal::from(22)));
        assert_eq!(on("EE", day(2025, 7, 1)), Some(Decimal::from(24)));
        assert_eq!(on("FI", day(2026, 10, 31)), Some("25.5".parse().unwrap()));
        assert_eq!(on("RE", day(2026, 10, 31)), Some("8.5".parse().unwrap()));
        assert_eq!(on("FR", day(2026, 12, 31)), Some(Decimal::from(20)));
        assert_eq!(on("FR", day(2027, 1, 1)), Some(Decimal::from(21)));
        assert_eq!(on("US", day(2026, 1, 1)), None);
        assert_eq!(on("FR", day(2019, 12, 31)), None);
    }
}
