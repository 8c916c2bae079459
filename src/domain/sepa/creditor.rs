//! The creditor identifier: who collects, as registered with the scheme
//! (EPC262-08, AT-C002).

use std::fmt;
use std::str::FromStr;

use crate::domain::tax::Country;

/// A creditor identifier with right check digits: country, two check digits,
/// three characters of business code that mean nothing to the scheme, and the
/// national identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CreditorId(String);

/// The text is not a creditor identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreditorIdError {
    #[error("is missing")]
    Missing,
    #[error(
        "is not a creditor identifier: a country, two check digits, three characters of business code and up to 28 of national identifier, capital letters and digits only"
    )]
    Format,
    #[error("names no country (ISO 3166-1)")]
    Country,
    #[error("has wrong check digits")]
    CheckDigits,
}

const BUSINESS_CODE_END: usize = 7;

impl CreditorId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CreditorId {
    type Err = CreditorIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(CreditorIdError::Missing);
        }
        let alphanumeric = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(BUSINESS_CODE_END + 1..=35).contains(&text.len()) || !text.bytes().all(alphanumeric) {
            return Err(CreditorIdError::Format);
        }
        let (head, national) = text.split_at(BUSINESS_CODE_END);
        let (country, rest) = head.split_at(2);
        if country.parse::<Country>().is_err() {
            return Err(CreditorIdError::Country);
        }
        let digits = rest.get(..2).unwrap_or_default();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CreditorIdError::Format);
        }
        if check_digits(country, national) == digits {
            Ok(Self(text.to_owned()))
        } else {
            Err(CreditorIdError::CheckDigits)
        }
    }
}

impl fmt::Display for CreditorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ISO 7064 MOD 97-10 over national identifier and country, without the
/// business code.
fn check_digits(country: &str, national: &str) -> String {
    let digits = national.chars().chain(country.chars()).chain("00".chars());
    let remainder = digits.fold(0, |remainder, c| {
        let value = c.to_digit(36).unwrap_or(0);
        let shift = if value < 10 { 10 } else { 100 };
        (remainder * shift + value) % 97
    });
    format!("{:02}", 98 - remainder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_the_identifiers_that_the_epc_gives_as_examples() {
        // EPC262-08 section 8, by country; two with a business code in use.
        let table = [
            "AT61ZZZ01234567890",
            "BE68ZZZ0123456789",
            "BG07ZZZ100064095",
            "CH1312300000012345",
            "DE98ZZZ09999999999",
            "ES50ZZZM23456789",
            "FR72ZZZ123456",
            "HU74111A12345676",
            "IT66ZZZA1B2C3D4E5F6G7H8",
            "NL42ZZZ123456780001",
            "NO38ZZZ123456785",
            "PL18ZZZ0123456789",
            "SE41ZZZ1234567890",
        ];
        for text in table {
            let id: Result<CreditorId, _> = text.parse();
            assert_eq!(id.map(|id| id.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn refuses_what_is_none() {
        let table = [
            ("", CreditorIdError::Missing),
            ("DE97ZZZ09999999999", CreditorIdError::CheckDigits),
            // digits swapped, and an identifier of another country
            ("DE89ZZZ09999999999", CreditorIdError::CheckDigits),
            ("AT98ZZZ09999999999", CreditorIdError::CheckDigits),
            // right by the rule for IBANs, which counts the business code
            ("DE74ZZZ09999999999", CreditorIdError::CheckDigits),
            ("DEA8ZZZ09999999999", CreditorIdError::Format),
            ("de98zzz09999999999", CreditorIdError::Format),
            ("DE98 ZZZ0 9999 9999 99", CreditorIdError::Format),
            ("DE98ZZZ", CreditorIdError::Format),
            (
                "DE98ZZZ0999999999999999999999999999999",
                CreditorIdError::Format,
            ),
            ("DE98ZZZ0999999999É", CreditorIdError::Format),
            ("ÉE98ZZZ09999999999", CreditorIdError::Format),
            ("ZZ98ZZZ09999999999", CreditorIdError::Country),
            ("9898ZZZ09999999999", CreditorIdError::Country),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<CreditorId>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_character_is_seen_unless_it_is_business_code(
            national in "[A-Z0-9]{1,28}", code in "[A-Z0-9]{3}", at in 0_usize..28, with in "[0-9]",
        ) {
            let text = format!("FR{}{code}{national}", check_digits("FR", &national));
            prop_assert!(text.parse::<CreditorId>().is_ok(), "{}", text);
            let at = at % national.len();
            let mut changed = national.clone();
            changed.replace_range(at..=at, &with);
            let same_kind = national.as_bytes()[at].is_ascii_digit();
            if same_kind && changed != national {
                let text = format!("FR{}{code}{changed}", check_digits("FR", &national));
                prop_assert_eq!(text.parse::<CreditorId>(), Err(CreditorIdError::CheckDigits));
            }
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = text.parse::<CreditorId>();
        }
    }
}
