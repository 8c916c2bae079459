//! What somebody says who wants an account.

use super::password::Password;
use super::profile::{FieldProblem, ProfileChange, Settings, change, line};
use crate::domain::account::{BillingProfile, Language};
use crate::domain::money::Currency;
use crate::domain::tax::Country;

const ADDRESS_BYTES_MAX: usize = 1_000;
const POSTAL_CODE_BYTES_MAX: usize = 20;
const CITY_BYTES_MAX: usize = 200;
const VAT_NUMBER_BYTES_MAX: usize = 30;

/// What somebody says, as it was typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignUp<'a> {
    /// Username, names, address of email, language and the like.
    pub profile: ProfileChange<'a>,
    pub password: &'a str,
    pub confirmation: Option<&'a str>,
    /// ISO 3166-1: what is printed and which VAT applies depend on it.
    pub country: &'a str,
    /// ISO 4217: what the account is billed in, for good.
    pub currency: &'a str,
    pub address_line1: &'a str,
    pub postal_code: &'a str,
    pub city: &'a str,
    pub vat_number: &'a str,
    pub is_tos_accepted: bool,
}

/// What becomes of it. Its address of email waits in the settings until it is
/// confirmed: nobody writes to a stranger's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUp {
    pub profile: BillingProfile,
    pub settings: Settings,
    pub currency: Currency,
    pub password: Password,
}

/// The account that comes of what somebody says, under a platform's id. Whether its
/// name or address is another's is not known here.
///
/// # Errors
/// Every field that is wrong.
pub fn sign_up(account: &str, asked: &SignUp<'_>) -> Result<SignedUp, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let mut refuse =
        |field: &'static str, reason: &str| problems.push(FieldProblem::new(field, reason));
    let profile = &asked.profile;
    for (field, text) in [
        ("username", profile.username),
        ("email", profile.email),
        ("country", Some(asked.country)),
        ("currency", Some(asked.currency)),
    ] {
        if text.is_none_or(|text| text.trim().is_empty()) {
            refuse(field, "can't be blank");
        }
    }
    let is_nameless = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
    if is_nameless(profile.full_name) && is_nameless(profile.company) {
        refuse(
            "fullname",
            "can't be blank where there is no company: an invoice needs a name",
        );
    }
    if !asked.is_tos_accepted {
        refuse("tos_accepted", "must be accepted");
    }
    let country: Option<Country> = asked.country.trim().parse().ok();
    if country.is_none() && !asked.country.trim().is_empty() {
        refuse("country", "is no country such as FR");
    }
    let currency: Option<Currency> = asked.currency.trim().parse().ok();
    if currency.is_none() && !asked.currency.trim().is_empty() {
        refuse("currency", "is no currency that is billed in, such as EUR");
    }
    let password = Password::new(asked.password);
    if let Err(error) = &password {
        refuse("password", &error.to_string());
    }
    if asked
        .confirmation
        .is_some_and(|again| again != asked.password)
    {
        refuse("password_confirmation", "doesn't match password");
    }
    let mut texts = [""; 4];
    for (to, (field, text, bytes_max)) in texts.iter_mut().zip([
        ("address_line1", asked.address_line1, ADDRESS_BYTES_MAX),
        ("postal_code", asked.postal_code, POSTAL_CODE_BYTES_MAX),
        ("city", asked.city, CITY_BYTES_MAX),
        ("vat_number", asked.vat_number, VAT_NUMBER_BYTES_MAX),
    ]) {
        match line(field, text, bytes_max) {
            Ok(text) => *to = text,
            Err(problem) => problems.push(problem),
        }
    }
    let (Some(country), Some(currency), Ok(password), true) =
        (country, currency, password, problems.is_empty())
    else {
        return Err(problems);
    };
    let language = Language::default_for(country);
    let empty = BillingProfile::emptied(account.to_owned(), country, language);
    let (profile, settings) = change(&empty, &Settings::initial(), profile)?;
    let [address_line1, postal_code, city, vat_number] = texts.map(str::to_owned);
    Ok(SignedUp {
        profile: BillingProfile {
            address_line1,
            postal_code,
            city,
            vat_number,
            ..profile
        },
        settings,
        currency,
        password,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: SignUp<'_> = SignUp {
        profile: ProfileChange {
            username: Some("ada"),
            full_name: Some("Ada Lovelace"),
            company: None,
            location: None,
            email_newsletter: None,
            time_zone: None,
            locale: None,
            theme: None,
            email: Some(" ada@example.com "),
        },
        password: "correct horse battery",
        confirmation: None,
        country: "GB",
        currency: "GBP",
        address_line1: "",
        postal_code: " W1 ",
        city: "",
        vat_number: "",
        is_tos_accepted: true,
    };

    #[test]
    fn an_address_waits_until_it_is_confirmed() {
        let made = sign_up("us-1", &ADA).unwrap();
        assert_eq!(made.profile.account, "us-1");
        assert_eq!(made.profile.email, "");
        assert_eq!(made.profile.language, Language::English);
        assert_eq!(made.profile.postal_code, "W1");
        let waits = made.settings.unconfirmed_email.as_deref();
        assert_eq!(waits, Some("ada@example.com"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let problems = |asked: &SignUp<'_>| -> Vec<String> {
            let problems = sign_up("us-1", asked).unwrap_err();
            problems.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            problems(&SignUp::default()),
            [
                "username can't be blank",
                "email can't be blank",
                "country can't be blank",
                "currency can't be blank",
                "fullname can't be blank where there is no company: an invoice needs a name",
                "tos_accepted must be accepted",
                "password is too short (minimum is 12 characters)",
            ]
        );
        let table: [(SignUp<'_>, &str); 5] = [
            (
                SignUp {
                    country: "XX",
                    ..ADA
                },
                "country is no country such as FR",
            ),
            (
                SignUp {
                    currency: "XXX",
                    ..ADA
                },
                "currency is no currency that is billed in, such as EUR",
            ),
            (
                SignUp {
                    confirmation: Some(""),
                    ..ADA
                },
                "password_confirmation doesn't match password",
            ),
            (
                SignUp {
                    city: "a\nb",
                    ..ADA
                },
                "city has control characters",
            ),
            (
                SignUp {
                    profile: ProfileChange {
                        email: Some("ada"),
                        ..ADA.profile
                    },
                    ..ADA
                },
                "email is not an email address",
            ),
        ];
        for (asked, problem) in table {
            assert_eq!(problems(&asked), [problem]);
        }
    }
}
