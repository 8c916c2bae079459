//! Account numbers (ISO 13616) that a SEPA direct debit can reach. They are
//! personal data: none prints itself.

use std::fmt;
use std::str::FromStr;

use iban::{IbanLike as _, ParseBaseIbanError, ParseIbanError};

/// The countries and territories of SEPA by their IBAN prefix, in the EEA
/// (EPC409-09, version of 2026).
const SEPA_EEA: &str =
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK";
/// And outside it. The overseas and crown territories have their state's prefix.
const SEPA_OUTSIDE_EEA: &str = "AD AL CH GB GI MC MD ME MK RS SM VA";

/// The text is not an account that can be debited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IbanError {
    #[error("is missing")]
    Missing,
    #[error("is not an IBAN: two letters, two digits, then up to 30 letters and digits")]
    Format,
    #[error("has wrong check digits")]
    CheckDigits,
    #[error("does not have its country's length and form")]
    CountryForm,
    #[error("is of a country outside SEPA (EPC409-09)")]
    OutsideSepa,
}

/// An IBAN in a SEPA country with right check digits and its country's form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Iban(iban::Iban);

impl Iban {
    /// The number itself, without spaces, for the bank's eyes only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.electronic_str()
    }

    /// The IBAN's prefix, an ISO 3166-1 code.
    #[must_use]
    pub fn country_code(&self) -> &str {
        self.0.country_code()
    }

    /// Whether the bank is in the European Economic Area. Outside it, the
    /// debtor's address has to be told (EPC130-08, Dbtr/PstlAdr).
    #[must_use]
    pub fn is_in_eea(&self) -> bool {
        listed(SEPA_EEA, self.country_code())
    }
}

fn listed(codes: &str, code: &str) -> bool {
    codes.split(' ').any(|listed| listed == code)
}

impl FromStr for Iban {
    type Err = IbanError;

    /// Takes small letters and spaces, as people write them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        IbanText::new(text).verify()
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        masked(self.expose(), f)
    }
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        masked(self.expose(), f)
    }
}

/// An account number as it was given, not verified yet.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IbanText(String);

impl IbanText {
    /// Drops spaces and raises small letters.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(
            text.chars()
                .filter(|c| !c.is_whitespace())
                .map(|c| c.to_ascii_uppercase())
                .collect(),
        )
    }

    /// What was given, without spaces, for the bank's eyes only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// When the text is no IBAN, or none that SEPA reaches.
    pub fn verify(&self) -> Result<Iban, IbanError> {
        if self.0.is_empty() {
            return Err(IbanError::Missing);
        }
        let iban = self.0.parse::<iban::Iban>().map_err(|error| match error {
            ParseIbanError::InvalidBaseIban {
                source: ParseBaseIbanError::InvalidChecksum,
            } => IbanError::CheckDigits,
            ParseIbanError::InvalidBaseIban { .. } => IbanError::Format,
            ParseIbanError::InvalidBban(_) => IbanError::CountryForm,
            ParseIbanError::UnknownCountry(_) => IbanError::OutsideSepa,
        })?;
        let code = iban.country_code();
        if listed(SEPA_EEA, code) || listed(SEPA_OUTSIDE_EEA, code) {
            Ok(Iban(iban))
        } else {
            Err(IbanError::OutsideSepa)
        }
    }
}

impl From<Iban> for IbanText {
    fn from(iban: Iban) -> Self {
        Self(iban.expose().to_owned())
    }
}

impl fmt::Debug for IbanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        masked(&self.0, f)
    }
}

impl fmt::Display for IbanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        masked(&self.0, f)
    }
}

/// `DE…3000`: enough to know one's own account by. Shorter texts, which may be
/// anything, show nothing.
fn masked(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let ends = text
        .get(..2)
        .zip(text.len().checked_sub(4).and_then(|at| text.get(at..)));
    match ends {
        Some((head, tail)) if text.len() >= 15 => write!(f, "{head}…{tail}"),
        _ => f.write_str("…"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_what_sepa_reaches() {
        // (as written, in the EEA): examples of the IBAN registry
        let table = [
            ("FR14 2004 1010 0505 0001 3M02 606", true),
            ("DE89370400440532013000", true),
            ("de89 3704 0044 0532 0130 00", true),
            ("NO9386011117947", true),
            ("MT84MALT011000012345MTLCAST001S", true),
            ("CH9300762011623852957", false),
            ("GB29NWBK60161331926819", false),
            ("MC5811222000010123456789030", false),
            ("RS35260005601001611379", false),
            ("VA59001123000012345678", false),
        ];
        for (text, in_eea) in table {
            let iban: Iban = text.parse().unwrap();
            assert_eq!(iban.is_in_eea(), in_eea, "{text}");
            let compact = text.replace(' ', "").to_uppercase();
            assert_eq!(iban.expose(), compact);
            assert_eq!(IbanText::from(iban), IbanText::new(&compact));
        }
    }

    #[test]
    fn refuses_what_it_does_not() {
        let table = [
            ("", IbanError::Missing),
            ("  ", IbanError::Missing),
            ("FR", IbanError::Format),
            ("FR14-2004-1010", IbanError::Format),
            ("DE88370400440532013000", IbanError::CheckDigits),
            ("DE89370400440532031000", IbanError::CheckDigits),
            // right check digits, a digit too many
            ("DE813704004405320130000", IbanError::CountryForm),
            // Türkiye and Brazil have IBANs, and are not in SEPA
            ("TR330006100519786457841326", IbanError::OutsideSepa),
            ("BR1800360305000010009795493C1", IbanError::OutsideSepa),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Iban>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn lists_42_prefixes_once() {
        let mut codes: Vec<_> = SEPA_EEA
            .split(' ')
            .chain(SEPA_OUTSIDE_EEA.split(' '))
            .collect();
        assert_eq!(codes.len(), 42);
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 42);
    }

    #[test]
    fn no_account_prints_itself() {
        let iban: Iban = "DE89370400440532013000".parse().unwrap();
        let given = IbanText::new("DE88 3704 0044 0532 0130 00");
        for printed in [
            format!("{iban}"),
            format!("{iban:?}"),
            format!("{given}"),
            format!("{given:?}"),
        ] {
            assert_eq!(printed, "DE…3000");
        }
        for short in ["", "DE8", "4929123412", "ÄÖÜÄÖÜÄ"] {
            assert_eq!(IbanText::new(short).to_string(), "…");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_masked(text in ".{0,40}") {
            let given = IbanText::new(&text);
            let _ = given.verify();
            prop_assert!(given.to_string().chars().count() <= 7);
        }
    }
}
