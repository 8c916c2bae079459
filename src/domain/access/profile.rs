//! What customers say of themselves, and change.
//!
//! What invoices print stands in the billing profile, whose versions never change; the
//! rest is [`Settings`].

use chrono_tz::Tz;

use crate::domain::account::{BillingProfile, Language};

/// What a username may have at most, in bytes.
pub const USERNAME_BYTES_MAX: usize = 100;
/// What the name of a person or a company may have at most, in bytes.
pub const NAME_BYTES_MAX: usize = 1_000;
/// RFC 5321, section 4.5.3.1.3, without the brackets of a path.
pub const EMAIL_BYTES_MAX: usize = 254;
const LOCATION_BYTES_MAX: usize = 255;

/// A field that is wrong. The reason is what clients show behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct FieldProblem {
    pub field: &'static str,
    pub reason: String,
}

impl FieldProblem {
    #[must_use]
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field,
            reason: reason.into(),
        }
    }
}

/// How pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// The code that clients and the database know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Light, Self::Dark]
            .into_iter()
            .find(|theme| theme.code() == code)
    }
}

/// What a customer says of itself that no invoice prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub location: String,
    /// Only who asked for it gets it.
    pub email_newsletter: bool,
    /// The zone it is shown times in; `None` for the house's.
    pub time_zone: Option<Tz>,
    pub theme: Theme,
    /// An address that it says is its own, and that a mailed link has to confirm.
    pub unconfirmed_email: Option<String>,
}

impl Settings {
    /// Of whoever never said anything.
    #[must_use]
    pub const fn initial() -> Self {
        Self {
            location: String::new(),
            email_newsletter: false,
            time_zone: None,
            theme: Theme::Light,
            unconfirmed_email: None,
        }
    }
}

/// What a customer wants changed; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProfileChange<'a> {
    pub username: Option<&'a str>,
    pub full_name: Option<&'a str>,
    pub company: Option<&'a str>,
    pub location: Option<&'a str>,
    pub email_newsletter: Option<bool>,
    /// A name of the IANA's database.
    pub time_zone: Option<&'a str>,
    /// `en` or `fr`.
    pub locale: Option<&'a str>,
    /// `light` or `dark`.
    pub theme: Option<&'a str>,
    /// It stays unconfirmed; the one that stands already takes back what was.
    pub email: Option<&'a str>,
}

/// What a change makes of a profile and its settings.
///
/// # Errors
/// Every field that is wrong. That a username is another's is not known here.
pub fn change(
    profile: &BillingProfile,
    settings: &Settings,
    asked: &ProfileChange<'_>,
) -> Result<(BillingProfile, Settings), Vec<FieldProblem>> {
    let (mut profile, mut settings) = (profile.clone(), settings.clone());
    let mut problems = Vec::new();
    let mut take = |to: &mut String, checked: Option<Result<&str, FieldProblem>>| match checked {
        Some(Ok(text)) => text.clone_into(to),
        Some(Err(problem)) => problems.push(problem),
        None => {}
    };
    take(&mut profile.username, asked.username.map(username));
    let name = |field| move |text| line(field, text, NAME_BYTES_MAX);
    take(
        &mut profile.full_name,
        asked.full_name.map(name("fullname")),
    );
    take(&mut profile.company, asked.company.map(name("company")));
    let place = |text| line("location", text, LOCATION_BYTES_MAX);
    take(&mut settings.location, asked.location.map(place));
    if profile.legal_name().is_empty() && (asked.full_name.is_some() || asked.company.is_some()) {
        let reason = "can't be blank where there is no company: an invoice needs a name";
        problems.push(FieldProblem::new("fullname", reason));
    }
    if let Some(wanted) = asked.email_newsletter {
        settings.email_newsletter = wanted;
    }
    match asked.time_zone.map(str::parse) {
        Some(Ok(zone)) => settings.time_zone = Some(zone),
        Some(Err(_)) => problems.push(FieldProblem::new(
            "preferences.time_zone",
            "is no time zone such as Europe/Paris",
        )),
        None => {}
    }
    match asked.locale.map(str::parse::<Language>) {
        Some(Ok(language)) => profile.language = language,
        Some(Err(_)) => problems.push(FieldProblem::new(
            "preferences.locale",
            "is neither en nor fr",
        )),
        None => {}
    }
    match asked.theme.map(Theme::from_code) {
        Some(Some(theme)) => settings.theme = theme,
        Some(None) => problems.push(FieldProblem::new(
            "preferences.theme",
            "is neither light nor dark",
        )),
        None => {}
    }
    match asked.email.map(email) {
        Some(Ok(email)) => {
            settings.unconfirmed_email = (email != profile.email).then(|| email.to_owned());
        }
        Some(Err(problem)) => problems.push(problem),
        None => {}
    }
    if problems.is_empty() {
        Ok((profile, settings))
    } else {
        Err(problems)
    }
}

/// The username that a text is. It has no `@`: nobody signs in by a username that
/// is another's address.
///
/// # Errors
/// When it is none.
pub fn username(text: &str) -> Result<&str, FieldProblem> {
    let name = line("username", text, USERNAME_BYTES_MAX)?;
    let problem = |reason| Err(FieldProblem::new("username", reason));
    if name.is_empty() {
        return problem("can't be blank");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.bytes().all(allowed) {
        return problem("may have letters without accents, digits, hyphens, underscores and dots");
    }
    Ok(name)
}

/// The address that a text is.
///
/// # Errors
/// When it is none.
pub fn email(text: &str) -> Result<&str, FieldProblem> {
    let email = line("email", text, EMAIL_BYTES_MAX)?;
    if !looks_like_email(email) {
        return Err(FieldProblem::new("email", "is not an email address"));
    }
    Ok(email)
}

/// A line of text without space around it, which may be empty.
pub(in crate::domain) fn line<'a>(
    field: &'static str,
    text: &'a str,
    bytes_max: usize,
) -> Result<&'a str, FieldProblem> {
    let text = text.trim();
    if text.len() > bytes_max {
        let reason = format!("is too long (maximum is {bytes_max} bytes)");
        return Err(FieldProblem::new(field, reason));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldProblem::new(field, "has control characters"));
    }
    Ok(text)
}

/// Whether a text looks like an address: one `@` with something before it and a
/// domain behind; the mail server knows the rest.
#[must_use]
pub fn looks_like_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ada() -> BillingProfile {
        let country = "FR".parse().unwrap();
        let mut ada = BillingProfile::emptied("acc-1".to_owned(), country, Language::French);
        ada.username = "ada".to_owned();
        ada.email = "ada@example.com".to_owned();
        ada.full_name = "Ada Lovelace".to_owned();
        ada
    }

    fn problems(asked: &ProfileChange<'_>) -> Vec<String> {
        match change(&ada(), &Settings::initial(), asked) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn what_is_not_asked_for_stays() {
        let nothing = ProfileChange::default();
        let same = (ada(), Settings::initial());
        assert_eq!(change(&same.0, &same.1, &nothing), Ok(same.clone()));
        let asked = ProfileChange {
            username: Some(" countess "),
            company: Some("Analytical SAS"),
            time_zone: Some("America/Guadeloupe"),
            locale: Some("en"),
            theme: Some("dark"),
            email_newsletter: Some(true),
            ..nothing
        };
        let (profile, settings) = change(&same.0, &same.1, &asked).unwrap();
        let moved = ProfileChange {
            email: Some(" ada@king.example "),
            ..nothing
        };
        let (_, pending) = change(&same.0, &same.1, &moved).unwrap();
        assert_eq!(
            pending.unconfirmed_email.as_deref(),
            Some("ada@king.example")
        );
        let back = ProfileChange {
            email: Some("ada@example.com"),
            ..nothing
        };
        assert_eq!(change(&same.0, &pending, &back), Ok(same.clone()));
        assert_eq!(
            profile,
            BillingProfile {
                username: "countess".to_owned(),
                company: "Analytical SAS".to_owned(),
                language: Language::English,
                ..ada()
            }
        );
        assert_eq!(
            settings,
            Settings {
                email_newsletter: true,
                time_zone: Some(Tz::America__Guadeloupe),
                theme: Theme::Dark,
                ..Settings::initial()
            }
        );
    }

    #[test]
    fn what_is_wrong_is_said_of_each_field() {
        let nothing = ProfileChange::default();
        let long = "a".repeat(1_001);
        let too_long = "fullname is too long (maximum is 1000 bytes)";
        let needed = "fullname can't be blank where there is no company: an invoice needs a name";
        let letters =
            "username may have letters without accents, digits, hyphens, underscores and dots";
        let of = |text: &'static str| ProfileChange {
            username: Some(text),
            ..nothing
        };
        let named = |full_name, company| ProfileChange {
            full_name,
            company,
            ..nothing
        };
        for (asked, expected) in [
            (of("ada.l-1_x"), &[][..]),
            (of("  "), &["username can't be blank"]),
            (of("ada@example.com"), &[letters]),
            (of("adà"), &[letters]),
            (of("a da"), &[letters]),
            (named(Some(""), None), &[needed]),
            (named(Some(""), Some("ACME")), &[]),
            (named(Some(long.as_str()), None), &[too_long]),
            (
                named(Some("Ada\nL"), None),
                &["fullname has control characters"],
            ),
            (
                ProfileChange {
                    time_zone: Some("Paris"),
                    locale: Some("de"),
                    theme: Some("blue"),
                    email: Some("ada"),
                    ..of("")
                },
                &[
                    "username can't be blank",
                    "preferences.time_zone is no time zone such as Europe/Paris",
                    "preferences.locale is neither en nor fr",
                    "preferences.theme is neither light nor dark",
                    "email is not an email address",
                ],
            ),
        ] {
            assert_eq!(problems(&asked), expected, "{asked:?}");
        }
    }

    #[test]
    fn an_address_has_one_at() {
        for (text, is_one) in [
            ("ada@example.com", true),
            ("ada", false),
            ("@example.com", false),
            ("ada@", false),
            ("a@b@c", false),
            ("a da@example.com", false),
        ] {
            assert_eq!(looks_like_email(text), is_one, "{text}");
        }
    }

    proptest! {
        /// Whatever is asked for: what comes of it can be printed, and asking for it
        /// again changes nothing.
        #[test]
        fn what_comes_of_a_change_can_be_printed(
            name in any::<Option<String>>(),
            full_name in any::<Option<String>>(),
            company in any::<Option<String>>(),
            location in any::<Option<String>>(),
        ) {
            let asked = ProfileChange {
                username: name.as_deref(),
                full_name: full_name.as_deref(),
                company: company.as_deref(),
                location: location.as_deref(),
                ..ProfileChange::default()
            };
            if let Ok((profile, settings)) = change(&ada(), &Settings::initial(), &asked) {
                prop_assert!(!profile.legal_name().is_empty());
                prop_assert!(!profile.username.is_empty() && profile.username.is_ascii());
                for text in [&profile.full_name, &profile.company, &settings.location] {
                    prop_assert_eq!(text.trim(), text);
                    prop_assert!(!text.chars().any(char::is_control));
                }
                let again = change(&profile, &settings, &asked);
                prop_assert_eq!(again, Ok((profile, settings)));
            }
        }
    }
}
