//! Countries, by their ISO 3166-1 alpha-2 code, and where each stands for VAT.

use std::fmt;
use std::str::FromStr;

/// An assigned ISO 3166-1 alpha-2 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The text is not an assigned ISO 3166-1 alpha-2 code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an ISO 3166-1 country code such as FR")]
pub struct UnknownCountry(pub String);

/// Every assigned code (ISO 3166-1, 2025), sorted.
const ASSIGNED: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN \
BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE \
EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU \
ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM \
PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS \
ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS \
YE YT ZA ZM ZW";

/// The member states of the European Union.
const MEMBERS: &str =
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

impl Country {
    pub const FRANCE: Self = Self(*b"FR");

    /// For constants; the code is not checked.
    pub(super) const fn from_ascii(code: [u8; 2]) -> Self {
        Self(code)
    }

    /// The code out of the list of all codes, to outlive the value.
    pub(super) fn static_code(self) -> &'static str {
        ASSIGNED
            .split(' ')
            .find(|code| code.as_bytes() == self.0)
            .unwrap_or("??")
    }

    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Whether the country is an EU member state. Territories that have a code
    /// of their own (Guadeloupe, Åland, ...) are not: see [`super::treat`].
    #[must_use]
    pub fn is_member_state(self) -> bool {
        listed(MEMBERS, self.0)
    }

    /// The prefix of the country's VAT numbers: EL for Greece, else its code.
    #[must_use]
    pub fn vat_prefix(&self) -> &str {
        match self.code() {
            "GR" => "EL",
            "MC" => "FR",
            code => code,
        }
    }
}

fn listed(codes: &str, code: [u8; 2]) -> bool {
    codes
        .as_bytes()
        .chunks(3)
        .any(|entry| entry.starts_with(&code))
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || UnknownCountry(text.to_owned());
        let code: [u8; 2] = text.as_bytes().try_into().map_err(|_| refuse())?;
        if listed(ASSIGNED, code) {
            Ok(Self(code))
        } else {
            Err(refuse())
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_assigned_codes() {
        assert_eq!(ASSIGNED.split_whitespace().count(), 249);
        assert_eq!(MEMBERS.split_whitespace().count(), 27);
        assert!(
            MEMBERS
                .split_whitespace()
                .all(|code| code.parse::<Country>().is_ok())
        );
        for wrong in ["UK", "EL", "fr", "FRA", "", "XX", "R ", " R"] {
            assert!(wrong.parse::<Country>().is_err(), "{wrong}");
        }
    }
}
