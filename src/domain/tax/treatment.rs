//! Where a customer stands for VAT, and what follows from it.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Country, RateTable, VatCategory};

/// The house's side of every VAT decision.
#[derive(Debug, Clone)]
pub struct VatPolicy {
    /// The issuer's country, an EU member state.
    pub issuer: Country,
    pub rates: RateTable,
    /// Whether the issuer is in the One Stop Shop: consumers abroad then pay
    /// their own country's rate, else the issuer's (directive 2006/112/EC
    /// art. 59c, below the threshold of 10,000 EUR).
    pub one_stop_shop: bool,
    /// The category outside the EU: [`VatCategory::OutOfScope`], or
    /// [`VatCategory::Export`] where export fits.
    pub outside_eu: VatCategory,
}

/// Where a customer is, as far as VAT asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residence<'a> {
    pub country: Country,
    pub postal_code: &'a str,
    /// As the customer gave it; empty for a consumer.
    pub vat_number: &'a str,
}

/// The category and rate of one invoice, with the reason for a rate of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VatTreatment {
    pub category: VatCategory,
    /// Percent: 20 for 20 %.
    pub rate: Decimal,
}

/// No rate is known where one is due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no VAT rate is known for {region} on {date}: add it under vat.rates")]
pub struct NoVatRate {
    pub region: String,
    pub date: NaiveDate,
}

/// Where a place lies in the union's VAT territory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Territory {
    /// Within a member state, taxed at the rate of a region: the state itself
    /// or a part of it.
    Member {
        state: Country,
        region: &'static str,
    },
    /// A French overseas department: domestic for a French issuer at its own
    /// rate (CGI art. 296), a third territory for everyone else.
    FrenchOverseas {
        rated_as: &'static str,
    },
    /// Guyane and Mayotte: France does not apply VAT there (CGI art. 294).
    FrenchUntaxed,
    Outside,
}

/// Postal code prefixes that leave their state's standard rate or the VAT
/// territory (directive 2006/112/EC art. 6, as amended by 2019/475, and 104 to
/// 109).
const SPECIAL_POSTAL_CODES: [(&str, &str, Territory); 39] = [
    ("FR", "97133", Territory::Outside),
    ("FR", "97150", Territory::Outside),
    ("FR", "971", Territory::FrenchOverseas { rated_as: "GP" }),
    ("FR", "972", Territory::FrenchOverseas { rated_as: "MQ" }),
    ("FR", "973", Territory::FrenchUntaxed),
    ("FR", "974", Territory::FrenchOverseas { rated_as: "RE" }),
    ("FR", "975", Territory::Outside),
    ("FR", "976", Territory::FrenchUntaxed),
    ("FR", "977", Territory::Outside),
    ("FR", "978", Territory::Outside),
    ("FR", "984", Territory::Outside),
    ("FR", "986", Territory::Outside),
    ("FR", "987", Territory::Outside),
    ("FR", "988", Territory::Outside),
    ("ES", "35", Territory::Outside),
    ("ES", "38", Territory::Outside),
    ("ES", "51", Territory::Outside),
    ("ES", "52", Territory::Outside),
    ("FI", "22", Territory::Outside),
    ("IT", "23041", Territory::Outside),
    ("IT", "22061", Territory::Outside),
    ("DE", "78266", Territory::Outside),
    ("DE", "27498", Territory::Outside),
    ("GR", "63086", Territory::Outside),
    ("GR", "63087", Territory::Outside),
    ("PT", "90", MADEIRA),
    ("PT", "91", MADEIRA),
    ("PT", "92", MADEIRA),
    ("PT", "93", MADEIRA),
    ("PT", "94", MADEIRA),
    ("PT", "95", AZORES),
    ("PT", "96", AZORES),
    ("PT", "97", AZORES),
    ("PT", "98", AZORES),
    ("PT", "99", AZORES),
    ("AT", "6691", JUNGHOLZ_AND_MITTELBERG),
    ("AT", "6991", JUNGHOLZ_AND_MITTELBERG),
    ("AT", "6992", JUNGHOLZ_AND_MITTELBERG),
    ("AT", "6993", JUNGHOLZ_AND_MITTELBERG),
];

const PORTUGAL: Country = Country::from_ascii(*b"PT");
const MADEIRA: Territory = Territory::Member {
    state: PORTUGAL,
    region: "PT-30",
};
const AZORES: Territory = Territory::Member {
    state: PORTUGAL,
    region: "PT-20",
};
/// They may have a second standard rate (directive 2006/112/EC art. 104).
const JUNGHOLZ_AND_MITTELBERG: Territory = Territory::Member {
    state: Country::from_ascii(*b"AT"),
    region: "AT-JM",
};

/// The digits of a postal code, however it is written: `FR-97400`, `D-78266`,
/// `97 400`. `None` where it is no whole code of the state: a shorter one lost
/// its leading zero (Benidorm's 03500 is not on the Canaries), another
/// country's prefix contradicts the state. Such a code frees nobody from tax.
fn postal_digits(state: Country, postal_code: &str) -> Option<String> {
    let (prefixes, digits_min): (&[&str], usize) = match state.code() {
        "AT" => (&["A", "AT"], 4),
        "DE" => (&["D", "DE"], 5),
        "ES" => (&["E", "ES"], 5),
        "FI" => (&["FI", "FIN", "AX"], 5),
        "FR" => (&["F", "FR"], 5),
        "GR" => (&["GR", "EL"], 5),
        "IT" => (&["I", "IT"], 5),
        "PT" => (&["P", "PT"], 4),
        _ => return None,
    };
    let bare: String = postal_code
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let from = bare.find(|c: char| c.is_ascii_digit())?;
    let (prefix, rest) = bare.split_at(from);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let own = prefix.is_empty() || prefixes.contains(&prefix);
    (own && digits.len() >= digits_min).then_some(digits)
}

impl Territory {
    fn of(country: Country, postal_code: &str) -> Self {
        let (country, known) = match country.code() {
            "GP" | "MQ" | "RE" => {
                return Self::FrenchOverseas {
                    rated_as: country.static_code(),
                };
            }
            "GF" | "YT" => return Self::FrenchUntaxed,
            "MC" => (Country::FRANCE, false),
            _ => (country, true),
        };
        if !country.is_member_state() {
            return Self::Outside;
        }
        let digits = known
            .then(|| postal_digits(country, postal_code))
            .flatten()
            .unwrap_or_default();
        let special = SPECIAL_POSTAL_CODES
            .iter()
            .find(|(state, prefix, _)| *state == country.code() && digits.starts_with(prefix))
            .map(|&(_, _, territory)| territory);
        special.unwrap_or(Self::Member {
            state: country,
            region: country.static_code(),
        })
    }
}

/// Decides the one VAT treatment of a customer's invoice (`domain.md` section 2).
/// `date` is the last day of the period, when the month's service is complete.
///
/// # Errors
/// When the region that has to be taxed has no rate on that date.
pub fn treat(
    customer: Residence<'_>,
    policy: &VatPolicy,
    date: NaiveDate,
) -> Result<VatTreatment, NoVatRate> {
    let standard = |region: &str| {
        let rate = policy.rates.rate_on(region, date);
        rate.map(|rate| VatTreatment {
            category: VatCategory::Standard,
            rate,
        })
        .ok_or_else(|| NoVatRate {
            region: region.to_owned(),
            date,
        })
    };
    let untaxed = |category| VatTreatment {
        category,
        rate: Decimal::ZERO,
    };
    let french_issuer = policy.issuer == Country::FRANCE;
    match Territory::of(customer.country, customer.postal_code) {
        Territory::Member { state, region } if state == policy.issuer => standard(region),
        Territory::Member { region, .. } => {
            if has_valid_vat_number(customer) {
                Ok(untaxed(VatCategory::ReverseCharge))
            } else if policy.one_stop_shop {
                standard(region)
            } else {
                standard(policy.issuer.code())
            }
        }
        Territory::FrenchOverseas { rated_as } if french_issuer => standard(rated_as),
        Territory::FrenchUntaxed if french_issuer => Ok(untaxed(VatCategory::Exempt)),
        Territory::FrenchOverseas { .. } | Territory::FrenchUntaxed | Territory::Outside => {
            Ok(untaxed(policy.outside_eu))
        }
    }
}

/// Whether the customer gave a VAT number of its own country with right format
/// and check digits. A number of another country makes no business of a
/// consumer.
#[must_use]
pub fn has_valid_vat_number(customer: Residence<'_>) -> bool {
    let number: String = customer
        .vat_number
        .chars()
        .filter(|c| !matches!(c, ' ' | '.' | '-' | '\u{a0}'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    // A Greek number may be written with EL or GR.
    let own = number.starts_with(customer.country.vat_prefix())
        || (customer.country.code() == "GR" && number.starts_with("GR"));
    own && eu_vat::Vat::parse(&number).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(one_stop_shop: bool) -> VatPolicy {
        VatPolicy {
            issuer: Country::FRANCE,
            rates: RateTable::with_overrides([]),
            one_stop_shop,
            outside_eu: VatCategory::OutOfScope,
        }
    }

    fn code(country: &str, postal_code: &str, vat_number: &str, policy: &VatPolicy) -> String {
        let customer = Residence {
            country: country.parse().unwrap(),
            postal_code,
            vat_number,
        };
        let date = NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
        let treatment = treat(customer, policy, date).unwrap();
        format!("{} {}", treatment.category, treatment.rate)
    }

    #[test]
    fn a_french_issuers_customers() {
        // (country, postal code, VAT number, with OSS, without OSS)
        let table = [
            // domestic, with or without a number
            ("FR", "75001", "", "S 20", "S 20"),
            ("FR", "75001", "FR83404833048", "S 20", "S 20"),
            ("MC", "98000", "", "S 20", "S 20"),
            // overseas departments, by code or by postal code
            ("FR", "97110", "", "S 8.5", "S 8.5"),
            ("MQ", "97200", "", "S 8.5", "S 8.5"),
            ("FR", "97400", "", "S 8.5", "S 8.5"),
            ("FR", "97300", "", "E 0", "E 0"),
            ("YT", "97600", "", "E 0", "E 0"),
            ("FR", "97133", "", "O 0", "O 0"),
            ("FR", "97500", "", "O 0", "O 0"),
            ("NC", "98800", "", "O 0", "O 0"),
            // EU business with a valid number of its own country
            ("DE", "10115", "DE136695976", "AE 0", "AE 0"),
            ("DE", "10115", "de 136 695 976", "AE 0", "AE 0"),
            ("GR", "10431", "EL094259216", "AE 0", "AE 0"),
            ("GR", "10431", "GR094259216", "AE 0", "AE 0"),
            // a wrong check digit or another country's number: a consumer
            ("DE", "10115", "DE136695977", "S 19", "S 20"),
            ("DE", "10115", "EL094259216", "S 19", "S 20"),
            ("DE", "10115", "nonsense", "S 19", "S 20"),
            // EU consumers
            ("PL", "00-001", "", "S 23", "S 20"),
            ("FI", "00100", "", "S 25.5", "S 20"),
            ("PT", "1000-001", "", "S 23", "S 20"),
            ("PT", "9000-001", "", "S 22", "S 20"),
            ("PT", "9500-001", "", "S 16", "S 20"),
            ("PT", "9800-500", "", "S 16", "S 20"),
            ("AT", "6700", "", "S 20", "S 20"),
            ("AT", "6691", "", "S 19", "S 20"),
            ("AT", "6991", "", "S 19", "S 20"),
            ("AT", "6992", "", "S 19", "S 20"),
            ("AT", "6993", "", "S 19", "S 20"),
            // parts of member states outside the VAT territory
            ("ES", "28001", "", "S 21", "S 20"),
            ("ES", "35001", "", "O 0", "O 0"),
            ("ES", "51001", "", "O 0", "O 0"),
            ("FI", "22100", "", "O 0", "O 0"),
            ("AX", "22100", "", "O 0", "O 0"),
            ("DE", "78266", "", "O 0", "O 0"),
            ("IT", "23041", "", "O 0", "O 0"),
            ("IT", "22061", "", "O 0", "O 0"),
            ("IT", "22060", "", "S 22", "S 20"),
            // outside the EU
            ("CH", "8001", "", "O 0", "O 0"),
            ("GB", "EC1A 1BB", "GB980780684", "O 0", "O 0"),
            ("US", "94105", "", "O 0", "O 0"),
        ];
        for (country, postal_code, number, oss, home) in table {
            let row = format!("{country} {postal_code} {number}");
            assert_eq!(
                code(country, postal_code, number, &policy(true)),
                oss,
                "{row}"
            );
            assert_eq!(
                code(country, postal_code, number, &policy(false)),
                home,
                "{row}"
            );
        }
    }

    #[test]
    fn a_postal_code_is_known_however_it_is_written() {
        let table = [
            ("FR", "97 400", "S 8.5"),
            ("FR", " 97400 ", "S 8.5"),
            ("FR", "97\u{a0}400", "S 8.5"),
            ("FR", "FR-97400", "S 8.5"),
            ("FR", "F-97400", "S 8.5"),
            ("FR", "fr 97400", "S 8.5"),
            ("FR", "97133 CEDEX", "O 0"),
            ("DE", "D-78266", "O 0"),
            ("DE", "D – 78266", "O 0"),
            ("DE", "DE27498", "O 0"),
            ("IT", "I-22061", "O 0"),
            ("ES", "E-35001", "O 0"),
            ("FI", "FIN-22100", "O 0"),
            ("FI", "AX-22100", "O 0"),
            ("GR", "630 86", "O 0"),
            ("PT", "P-9500", "S 16"),
            ("PT", "PT 9500-001", "S 16"),
            ("AT", "A-6991", "S 19"),
            // no whole code of the state: taxed at its standard rate
            ("ES", "3500", "S 21"),
            ("FI", "2200", "S 25.5"),
            ("FR", "974", "S 20"),
            ("FR", "DE-97400", "S 20"),
            ("FR", "CEDEX", "S 20"),
            ("FR", "", "S 20"),
        ];
        for (country, postal_code, expected) in table {
            assert_eq!(
                code(country, postal_code, "", &policy(true)),
                expected,
                "{country} {postal_code:?}"
            );
        }
    }

    #[test]
    fn a_german_issuer_sees_france_from_outside() {
        let german = VatPolicy {
            issuer: "DE".parse().unwrap(),
            outside_eu: VatCategory::Export,
            ..policy(true)
        };
        let table = [
            ("DE", "10115", "", "S 19"),
            ("DE", "27498", "", "G 0"),
            ("FR", "75001", "FR83404833048", "AE 0"),
            ("MC", "98000", "FR83404833048", "AE 0"),
            ("FR", "97400", "", "G 0"),
            ("FR", "97300", "", "G 0"),
            ("CH", "8001", "", "G 0"),
        ];
        for (country, postal_code, number, expected) in table {
            assert_eq!(
                code(country, postal_code, number, &german),
                expected,
                "{country} {postal_code}"
            );
        }
    }

    #[test]
    fn a_missing_rate_is_an_error_not_a_zero() {
        let customer = Residence {
            country: Country::FRANCE,
            postal_code: "75001",
            vat_number: "",
        };
        let date = NaiveDate::from_ymd_opt(2019, 6, 30).unwrap();
        let error = treat(customer, &policy(true), date).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no VAT rate is known for FR on 2019-06-30: add it under vat.rates"
        );
    }
}
