//! Business identifier codes (ISO 9362) of banks.

use std::fmt;
use std::str::FromStr;

use crate::domain::tax::Country;

/// It has a BIC's form, and is none.
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// A BIC that both versions of pain.008 take: version 02 has letters only in
/// the first four places, which is how banks' codes are given out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bic(String);

/// The text is not the BIC of a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BicError {
    #[error("is not a BIC of 8 or 11 capital letters and digits such as DEUTDEFF")]
    Format,
    #[error("is what a file says where there is no BIC: leave it out")]
    NotProvided,
    #[error("names no country in its 5th and 6th letters (ISO 3166-1)")]
    Country,
}

impl Bic {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bic {
    type Err = BicError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NOT_PROVIDED {
            return Err(BicError::NotProvided);
        }
        if !has_form(text) {
            return Err(BicError::Format);
        }
        let country = text.get(4..6).unwrap_or_default();
        // Kosovo has banks and no ISO 3166-1 code.
        if country != "XK" && country.parse::<Country>().is_err() {
            return Err(BicError::Country);
        }
        Ok(Self(text.to_owned()))
    }
}

/// BICIdentifier of pain.008.001.02: six letters, no 0 or 1 in the 7th place, no
/// O in the 8th, and three more for a branch.
fn has_form(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    matches!(text.len(), 8 | 11)
        && text.bytes().zip(1..).all(|(byte, place)| match place {
            1..=6 => byte.is_ascii_uppercase(),
            7 => alphanumeric(byte) && !matches!(byte, b'0' | b'1'),
            8 => alphanumeric(byte) && byte != b'O',
            _ => alphanumeric(byte),
        })
}

impl fmt::Display for Bic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn has_the_form_that_both_schemas_take() {
        for right in ["DEUTDEFF", "AGRIFRPP882", "BNPAFRPPXXX", "NBKOXKPR"] {
            assert_eq!(
                right.parse::<Bic>().map(|bic| bic.to_string()),
                Ok(right.to_owned())
            );
        }
        let table = [
            ("", BicError::Format),
            ("DEUTDEF", BicError::Format),
            ("DEUTDEFF5", BicError::Format),
            ("DEUTDEFFXXXX", BicError::Format),
            ("deutdeff", BicError::Format),
            ("DEUTDE0F", BicError::Format),
            ("DEUTDE1F", BicError::Format),
            ("DEUTDEFO", BicError::Format),
            ("DEUTDEFF5é", BicError::Format),
            ("DEUTÉÉFF", BicError::Format),
            // allowed by version 08 alone
            ("E097DEFF", BicError::Format),
            ("DEUTZZFF", BicError::Country),
            ("DEUTZZFFXXX", BicError::Country),
            // what files say where there is none: five and six are VI, the islands
            ("NOTPROVIDED", BicError::NotProvided),
        ];
        for (wrong, expected) in table {
            assert_eq!(wrong.parse::<Bic>(), Err(expected), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,14}") {
            let _ = text.parse::<Bic>();
        }
    }
}
