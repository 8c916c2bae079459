//! What customers change of what their invoices print and are taxed by.

use super::profile::{FieldProblem, NAME_BYTES_MAX, line};
use crate::domain::account::BillingProfile;
use crate::domain::tax::{Country, Residence, has_valid_vat_number};

const ADDRESS_BYTES_MAX: usize = 1_000;
const CITY_BYTES_MAX: usize = 200;
const POSTAL_CODE_BYTES_MAX: usize = 20;
const VAT_NUMBER_BYTES_MAX: usize = 30;
/// Three lines of an invoice's letterhead.
const NOTE_BYTES_MAX: usize = 250;

/// What a customer wants changed; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BillingChange<'a> {
    pub full_name: Option<&'a str>,
    pub company: Option<&'a str>,
    pub address_line1: Option<&'a str>,
    pub address_line2: Option<&'a str>,
    pub postal_code: Option<&'a str>,
    pub city: Option<&'a str>,
    pub state: Option<&'a str>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// Empty for a consumer.
    pub vat_number: Option<&'a str>,
    pub invoice_note: Option<&'a str>,
}

/// What a change makes of a profile. Its problems name the fields as clients know them.
///
/// # Errors
/// Every field that is wrong, and a VAT number in the EU that makes no business of the
/// customer: it would be taxed as a consumer, and hardly mean that.
pub fn change(
    profile: &BillingProfile,
    asked: &BillingChange<'_>,
) -> Result<BillingProfile, Vec<FieldProblem>> {
    let mut changed = profile.clone();
    let mut problems = Vec::new();
    for (to, field, text, bytes_max) in [
        (
            &mut changed.full_name,
            "name",
            asked.full_name,
            NAME_BYTES_MAX,
        ),
        (
            &mut changed.company,
            "company",
            asked.company,
            NAME_BYTES_MAX,
        ),
        (
            &mut changed.address_line1,
            "address_line1",
            asked.address_line1,
            ADDRESS_BYTES_MAX,
        ),
        (
            &mut changed.address_line2,
            "address_line2",
            asked.address_line2,
            ADDRESS_BYTES_MAX,
        ),
        (
            &mut changed.postal_code,
            "address_zip",
            asked.postal_code,
            POSTAL_CODE_BYTES_MAX,
        ),
        (
            &mut changed.city,
            "address_city",
            asked.city,
            CITY_BYTES_MAX,
        ),
        (
            &mut changed.state,
            "address_state",
            asked.state,
            CITY_BYTES_MAX,
        ),
        (
            &mut changed.vat_number,
            "vat_number",
            asked.vat_number,
            VAT_NUMBER_BYTES_MAX,
        ),
        (
            &mut changed.invoice_note,
            "invoice_additional_info",
            asked.invoice_note,
            NOTE_BYTES_MAX,
        ),
    ] {
        match text.map(|text| line(field, text, bytes_max)) {
            Some(Ok(text)) => text.clone_into(to),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
    match asked.country.map(str::parse::<Country>) {
        Some(Ok(country)) => changed.country = country,
        Some(Err(_)) => problems.push(FieldProblem::new(
            "address_country",
            "is no country's code of two letters such as FR (ISO 3166-1)",
        )),
        None => {}
    }
    if changed.legal_name().is_empty() {
        let reason = "can't be blank where there is no company: an invoice needs a name";
        problems.push(FieldProblem::new("name", reason));
    }
    for (field, was_asked, text) in [
        ("address_line1", asked.address_line1, &changed.address_line1),
        ("address_zip", asked.postal_code, &changed.postal_code),
        ("address_city", asked.city, &changed.city),
    ] {
        if was_asked.is_some() && text.is_empty() {
            problems.push(FieldProblem::new(field, "can't be blank"));
        }
    }
    let taxed = |profile: &BillingProfile| (profile.country, profile.vat_number.clone());
    if problems.is_empty() && taxed(&changed) != taxed(profile) && !is_vat_number_right(&changed) {
        let reason = format!("is no valid VAT number of {}", changed.country);
        problems.push(FieldProblem::new("vat_number", reason));
    }
    if problems.is_empty() {
        Ok(changed)
    } else {
        Err(problems)
    }
}

fn is_vat_number_right(profile: &BillingProfile) -> bool {
    let residence = Residence {
        country: profile.country,
        postal_code: &profile.postal_code,
        vat_number: &profile.vat_number,
    };
    profile.vat_number.is_empty()
        || !profile.country.is_member_state()
        || has_valid_vat_number(residence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::account::Language;

    fn acme() -> BillingProfile {
        let country = "FR".parse().unwrap();
        let mut acme = BillingProfile::emptied("acc-1".to_owned(), country, Language::French);
        acme.company = "ACME".to_owned();
        acme.address_line1 = "1 rue du Port".to_owned();
        acme.postal_code = "67000".to_owned();
        acme.city = "Strasbourg".to_owned();
        acme
    }

    fn problems(asked: &BillingChange<'_>) -> Vec<String> {
        match change(&acme(), asked) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn what_is_not_asked_for_stays() {
        let nothing = BillingChange::default();
        assert_eq!(change(&acme(), &nothing), Ok(acme()));
        let moved = BillingChange {
            address_line1: Some(" Unter den Linden 1 "),
            address_line2: Some("3. Stock"),
            postal_code: Some("10117"),
            city: Some("Berlin"),
            country: Some("DE"),
            vat_number: Some("DE 136695976"),
            invoice_note: Some("PO 4711"),
            ..nothing
        };
        let expected = BillingProfile {
            address_line1: "Unter den Linden 1".to_owned(),
            address_line2: "3. Stock".to_owned(),
            postal_code: "10117".to_owned(),
            city: "Berlin".to_owned(),
            country: "DE".parse().unwrap(),
            vat_number: "DE 136695976".to_owned(),
            invoice_note: "PO 4711".to_owned(),
            ..acme()
        };
        assert_eq!(change(&acme(), &moved), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said_of_each_field() {
        let nothing = BillingChange::default();
        let long = "a".repeat(251);
        let vat = |country, vat_number| BillingChange {
            country,
            vat_number,
            ..nothing
        };
        for (asked, expected) in [
            (vat(None, Some("FR 40 303265045")), &[][..]),
            (vat(None, Some("")), &[]),
            (
                vat(None, Some("FR41303265045")),
                &["vat_number is no valid VAT number of FR"],
            ),
            // Of another country it makes no business of a consumer.
            (
                vat(None, Some("DE136695976")),
                &["vat_number is no valid VAT number of FR"],
            ),
            (
                vat(Some("DE"), Some("FR40303265045")),
                &["vat_number is no valid VAT number of DE"],
            ),
            // Nobody here knows what a number outside the EU looks like.
            (vat(Some("US"), Some("12-3456789")), &[]),
            (
                vat(Some("France"), None),
                &["address_country is no country's code of two letters such as FR (ISO 3166-1)"],
            ),
            (
                BillingChange {
                    company: Some(""),
                    city: Some(" "),
                    ..nothing
                },
                &[
                    "name can't be blank where there is no company: an invoice needs a name",
                    "address_city can't be blank",
                ],
            ),
            (
                BillingChange {
                    invoice_note: Some(&long),
                    address_line2: Some("a\nb"),
                    ..nothing
                },
                &[
                    "address_line2 has control characters",
                    "invoice_additional_info is too long (maximum is 250 bytes)",
                ],
            ),
        ] {
            assert_eq!(problems(&asked), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_number_from_before_is_not_in_the_way() {
        let mut profile = acme();
        profile.vat_number = "FR41303265045".to_owned();
        let asked = BillingChange {
            city: Some("Lyon"),
            ..BillingChange::default()
        };
        assert_eq!(change(&profile, &asked).unwrap().city, "Lyon");
    }

    proptest! {
        /// Whoever asks for what is there gets that, and no other version of it.
        #[test]
        fn to_ask_for_the_same_changes_nothing(
            texts in prop::array::uniform4("[a-zA-Z0-9 ]{1,20}"),
            number in prop::sample::select(&["", "FR40303265045"][..]),
        ) {
            let [city, zip, line1, note] = &texts;
            let once = BillingChange {
                city: Some(city),
                postal_code: Some(zip),
                address_line1: Some(line1),
                invoice_note: Some(note),
                vat_number: Some(number),
                ..BillingChange::default()
            };
            match change(&acme(), &once) {
                Ok(changed) => prop_assert_eq!(change(&changed, &once), Ok(changed.clone())),
                Err(problems) => prop_assert!(
                    problems.iter().all(|problem| problem.reason == "can't be blank")
                ),
            }
        }
    }
}
