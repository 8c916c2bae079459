//! Postal addresses of creditor and debtor (EPC153-22): structured, hybrid, or
//! none.

use super::text::{TextError, check_text};

/// The lengths of ISO 20022's `PostalAddress6` and `PostalAddress24`.
const STREET_LENGTH_MAX: usize = 70;
const BUILDING_LENGTH_MAX: usize = 16;
const POST_CODE_LENGTH_MAX: usize = 16;
const TOWN_LENGTH_MAX: usize = 35;
const LINE_LENGTH_MAX: usize = 70;
/// The EPC's, where the schemas allow seven.
const LINES_MAX: usize = 2;

/// An address by the elements that both versions of pain.008 have. An empty
/// part is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    pub street: String,
    pub building: String,
    pub post_code: String,
    pub town: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// What the parts above do not hold, which makes the address hybrid.
    pub lines: Vec<String>,
}

/// What is wrong with a part of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "is missing: an address without town and country is unstructured, which banks need not take since 15 November 2026"
    )]
    Unstructured,
    #[error("is not an ISO 3166-1 country code such as FR")]
    Country,
    #[error("is one line more than {LINES_MAX}")]
    Lines,
    #[error(transparent)]
    Text(#[from] TextError),
}

impl Address {
    /// Tells `refuse` every problem, with the element that has it.
    pub fn check(&self, mut refuse: impl FnMut(&'static str, &str, AddressError)) {
        let parts = [
            ("PstlAdr/StrtNm", &self.street, STREET_LENGTH_MAX),
            ("PstlAdr/BldgNb", &self.building, BUILDING_LENGTH_MAX),
            ("PstlAdr/PstCd", &self.post_code, POST_CODE_LENGTH_MAX),
            ("PstlAdr/TwnNm", &self.town, TOWN_LENGTH_MAX),
        ];
        for (field, text, length_max) in parts {
            if text.is_empty() {
                if field == "PstlAdr/TwnNm" {
                    refuse(field, text, AddressError::Unstructured);
                }
            } else if let Err(error) = check_text(text, length_max) {
                refuse(field, text, error.into());
            }
        }
        if self.country.is_empty() {
            refuse("PstlAdr/Ctry", "", AddressError::Unstructured);
        } else if self.country.parse::<crate::domain::tax::Country>().is_err() {
            refuse("PstlAdr/Ctry", &self.country, AddressError::Country);
        }
        for (line, no) in self.lines.iter().zip(1..) {
            if no > LINES_MAX {
                refuse("PstlAdr/AdrLine", line, AddressError::Lines);
            } else if let Err(error) = check_text(line, LINE_LENGTH_MAX) {
                refuse("PstlAdr/AdrLine", line, error.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(address: &Address) -> Vec<String> {
        let mut problems = Vec::new();
        address.check(|field, value, error| problems.push(format!("{field} {value:?} {error}")));
        problems
    }

    #[test]
    fn structured_and_hybrid_pass() {
        let structured = Address {
            street: "rue du Pont".into(),
            building: "1 bis".into(),
            post_code: "67000".into(),
            town: "Strasbourg".into(),
            country: "FR".into(),
            lines: Vec::new(),
        };
        assert_eq!(problems(&structured), [""; 0]);
        let hybrid = Address {
            town: "Strasbourg".into(),
            country: "FR".into(),
            lines: vec!["1 bis rue du Pont".into(), "c/o Lovelace".into()],
            ..Address::default()
        };
        assert_eq!(problems(&hybrid), [""; 0]);
    }

    #[test]
    fn unstructured_and_overlong_do_not() {
        let unstructured = Address {
            lines: vec![
                "1 rue du Pont".into(),
                "67000 Strasbourg".into(),
                "FR".into(),
            ],
            ..Address::default()
        };
        let told = problems(&unstructured);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told[0].starts_with("PstlAdr/TwnNm \"\" is missing"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("PstlAdr/Ctry \"\" is missing"),
            "{told:?}"
        );
        assert_eq!(told[2], "PstlAdr/AdrLine \"FR\" is one line more than 2");
        let long = Address {
            street: "x".repeat(71),
            building: "x".repeat(17),
            post_code: "x".repeat(17),
            town: "x".repeat(36),
            country: "UK".into(),
            lines: vec!["x".repeat(71), "Straße".into()],
        };
        let told = problems(&long);
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(told[4].contains("not an ISO 3166-1"), "{told:?}");
        assert!(told[6].contains("'ß'"), "{told:?}");
    }
}
