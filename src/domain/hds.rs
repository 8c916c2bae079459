//! Whom to turn to about the health data that an app hosts (HDS: "hébergement de
//! données de santé"): a contact that is looked at again every 12 months.

use chrono::{DateTime, Months, Utc};

use super::access::profile::{FieldProblem, email, line};
use super::calendar::Instant;
use super::tax::Country;

/// Months that a contact is good for.
const REVIEW_MONTHS: u32 = 12;
const LINE_BYTES_MAX: usize = 1_000;
const NOTES_CHARS_MAX: usize = 2_000;

/// What kind of organization it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgType {
    Company,
    NonProfit,
    Administration,
}

impl OrgType {
    pub const ALL: [Self; 3] = [Self::Company, Self::NonProfit, Self::Administration];

    /// The code that clients and the database know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::NonProfit => "non-profit",
            Self::Administration => "administration",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// Whom to turn to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HdsContact {
    pub org_type: OrgType,
    pub name: String,
    pub email: String,
    pub phone_number: String,
    pub company: String,
    pub address_line1: String,
    pub address_line2: String,
    pub address_city: String,
    pub address_zip: String,
    pub address_country: Country,
    pub notes: String,
}

/// The same, as it was typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct HdsContactAsked<'a> {
    pub org_type: &'a str,
    pub name: &'a str,
    pub email: &'a str,
    pub phone_number: &'a str,
    pub company: &'a str,
    pub address_line1: &'a str,
    pub address_line2: &'a str,
    pub address_city: &'a str,
    pub address_zip: &'a str,
    pub address_country: &'a str,
    pub notes: &'a str,
}

impl HdsContactAsked<'_> {
    /// The contact that it is.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn check(&self) -> Result<HdsContact, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let mut text = |field, text, is_needed| match line(field, text, LINE_BYTES_MAX) {
            Ok("") if is_needed => {
                problems.push(FieldProblem::new(field, "can't be blank"));
                String::new()
            }
            Ok(text) => text.to_owned(),
            Err(problem) => {
                problems.push(problem);
                String::new()
            }
        };
        let name = text("name", self.name, true);
        let email_given = text("email", self.email, true);
        let phone_number = text("phone_number", self.phone_number, true);
        let company = text(
            "company",
            self.company,
            self.org_type == OrgType::Company.code(),
        );
        let address_line1 = text("address_line1", self.address_line1, true);
        let address_line2 = text("address_line2", self.address_line2, false);
        let address_city = text("address_city", self.address_city, true);
        let address_zip = text("address_zip", self.address_zip, true);
        let country_given = text("address_country", self.address_country, true);
        if !email_given.is_empty()
            && let Err(problem) = email(&email_given)
        {
            problems.push(problem);
        }
        if !phone_number.is_empty() && !looks_like_phone(&phone_number) {
            let reason = "is no phone number such as +33 3 88 00 00 00";
            problems.push(FieldProblem::new("phone_number", reason));
        }
        let country: Option<Country> = country_given.parse().ok();
        if country.is_none() && !country_given.is_empty() {
            problems.push(FieldProblem::new(
                "address_country",
                "is no country such as FR",
            ));
        }
        let org_type = OrgType::from_code(self.org_type);
        if org_type.is_none() {
            let reason = "is none of company, non-profit and administration";
            problems.push(FieldProblem::new("org_type", reason));
        }
        let notes = self.notes.trim();
        if notes.chars().count() > NOTES_CHARS_MAX {
            let reason = format!("is too long (maximum is {NOTES_CHARS_MAX} characters)");
            problems.push(FieldProblem::new("notes", reason));
        }
        if notes
            .chars()
            .any(|char| char.is_control() && !char.is_whitespace())
        {
            problems.push(FieldProblem::new("notes", "has control characters"));
        }
        match (org_type, country) {
            (Some(org_type), Some(address_country)) if problems.is_empty() => Ok(HdsContact {
                org_type,
                name,
                email: email_given,
                phone_number,
                company,
                address_line1,
                address_line2,
                address_city,
                address_zip,
                address_country,
                notes: notes.to_owned(),
            }),
            _ => Err(problems),
        }
    }
}

/// Digits with what people put between them.
fn looks_like_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    (5..=15).contains(&digits)
        && rest
            .chars()
            .all(|char| char.is_ascii_digit() || " .-()/".contains(char))
}

/// What was looked at by then has to be looked at again now; `None` before there is a
/// calendar.
#[must_use]
pub fn review_before(now: Instant) -> Option<Instant> {
    let now = DateTime::<Utc>::from_timestamp_micros(now.0)?;
    now.checked_sub_months(Months::new(REVIEW_MONTHS))
        .map(Instant::from)
}

/// Whether a contact that was given then is still good.
#[must_use]
pub fn is_up_to_date(updated_at: Instant, now: Instant) -> bool {
    review_before(now).is_none_or(|before| updated_at > before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACT: HdsContactAsked<'_> = HdsContactAsked {
        org_type: "company",
        name: " Dr. Ada ",
        email: "dpo@clinic.example",
        phone_number: "+33 3 88 00 00 00",
        company: "Clinic SAS",
        address_line1: "1 rue du Pont",
        address_line2: "",
        address_city: "Strasbourg",
        address_zip: "67000",
        address_country: "FR",
        notes: "at any time\nby phone",
    };

    #[test]
    fn every_wrong_field_is_named() {
        let problems = |asked: HdsContactAsked<'_>| -> Vec<String> {
            let problems = asked.check().unwrap_err();
            problems.iter().map(ToString::to_string).collect()
        };
        assert_eq!(CONTACT.check().unwrap().name, "Dr. Ada");
        assert_eq!(
            problems(HdsContactAsked::default()),
            [
                "name can't be blank",
                "email can't be blank",
                "phone_number can't be blank",
                "address_line1 can't be blank",
                "address_city can't be blank",
                "address_zip can't be blank",
                "address_country can't be blank",
                "org_type is none of company, non-profit and administration",
            ]
        );
        let is_wrong = [
            (
                HdsContactAsked {
                    company: " ",
                    ..CONTACT
                },
                "company can't be blank",
            ),
            (
                HdsContactAsked {
                    email: "ada",
                    ..CONTACT
                },
                "email is not an email address",
            ),
            (
                HdsContactAsked {
                    phone_number: "call me",
                    ..CONTACT
                },
                "phone_number is no phone number such as +33 3 88 00 00 00",
            ),
            (
                HdsContactAsked {
                    address_country: "XX",
                    ..CONTACT
                },
                "address_country is no country such as FR",
            ),
            (
                HdsContactAsked {
                    name: "a\nb",
                    ..CONTACT
                },
                "name has control characters",
            ),
        ];
        for (asked, problem) in is_wrong {
            assert_eq!(problems(asked), [problem]);
        }
        let club = HdsContactAsked {
            company: "",
            org_type: "non-profit",
            ..CONTACT
        };
        assert_eq!(club.check().unwrap().org_type, OrgType::NonProfit);
    }

    #[test]
    fn it_is_good_for_twelve_months() {
        let at = |text: &str| Instant::from(text.parse::<DateTime<Utc>>().unwrap());
        for (updated_at, now, is_good) in [
            ("2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z", true),
            ("2026-11-01T08:00:00Z", "2027-11-01T07:59:59Z", true),
            ("2026-11-01T08:00:00Z", "2027-11-01T08:00:00Z", false),
            // There is no 29th of February then.
            ("2027-02-28T08:00:00Z", "2028-02-29T08:00:00Z", false),
            ("2028-02-29T08:00:00Z", "2029-02-28T08:00:00Z", true),
            ("2028-02-29T08:00:00Z", "2029-03-01T08:00:00Z", false),
        ] {
            assert_eq!(
                is_up_to_date(at(updated_at), at(now)),
                is_good,
                "{updated_at} {now}"
            );
        }
    }
}
