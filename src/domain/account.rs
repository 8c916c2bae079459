//! Who is billed: the account and the versions of its billing profile.

use std::fmt;
use std::str::FromStr;

use super::calendar::Instant;
use super::ids::{AccountId, ProfileId};
use super::invoice::fingerprint::Digest;
use super::money::Currency;
use super::tax::Country;

/// The language of a customer's documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    French,
}

impl Language {
    /// The ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language a customer starts with, before it chooses one: French where
    /// France's law or language reaches, English elsewhere.
    #[must_use]
    pub fn default_for(country: Country) -> Self {
        const FRENCH: [&str; 14] = [
            "FR", "MC", "GP", "MQ", "RE", "GF", "YT", "PM", "BL", "MF", "NC", "PF", "WF", "LU",
        ];
        if FRENCH.contains(&country.code()) {
            Self::French
        } else {
            Self::English
        }
    }
}

/// The text is neither `en` nor `fr`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a supported language (en, fr)")]
pub struct UnknownLanguage(pub String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::English),
            "fr" => Ok(Self::French),
            _ => Err(UnknownLanguage(text.to_owned())),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What the platform removes of an account that is deleted (`domain.md` section
/// 6), each after the one before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionStep {
    Deployments,
    Activity,
    Aliases,
    Domains,
    Certificates,
    BillingSubscription,
}

impl DeletionStep {
    /// In the order they are done.
    pub const ALL: [Self; 6] = [
        Self::Deployments,
        Self::Activity,
        Self::Aliases,
        Self::Domains,
        Self::Certificates,
        Self::BillingSubscription,
    ];

    /// The code that the platform and the database know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deployments => "deployments",
            Self::Activity => "activity",
            Self::Aliases => "aliases",
            Self::Domains => "domains",
            Self::Certificates => "certificates",
            Self::BillingSubscription => "billing_subscription",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.code() == code)
    }
}

/// What the month run has to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub currency: Currency,
    /// The free trial starts here.
    pub created_at: Instant,
    /// When its customer ended the free trial before its time.
    pub trial_ended_at: Option<Instant>,
    /// The profile version the next invoice refers to.
    pub profile: ProfileId,
    pub country: Country,
    pub postal_code: String,
    /// As the customer gave it; empty for a consumer.
    pub vat_number: String,
}

/// One immutable version of what is printed about a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingProfile {
    /// The platform's own id of the account.
    pub account: String,
    pub username: String,
    pub email: String,
    pub full_name: String,
    /// Empty for a private person.
    pub company: String,
    pub country: Country,
    pub address_line1: String,
    pub address_line2: String,
    pub postal_code: String,
    pub city: String,
    /// In countries whose addresses name one.
    pub state: String,
    pub vat_number: String,
    /// What the customer has printed on its invoices, such as an order number.
    pub invoice_note: String,
    pub language: Language,
}

impl BillingProfile {
    /// What is left of a customer's profile when its account is gone: nothing of the
    /// person, and what its documents are made by.
    #[must_use]
    pub fn emptied(account: String, country: Country, language: Language) -> Self {
        Self {
            account,
            username: String::new(),
            email: String::new(),
            full_name: String::new(),
            company: String::new(),
            country,
            address_line1: String::new(),
            address_line2: String::new(),
            postal_code: String::new(),
            city: String::new(),
            state: String::new(),
            vat_number: String::new(),
            invoice_note: String::new(),
            language,
        }
    }

    /// What is to stand once the platform says `said`, where it said `base` the last time
    /// and its customer changed that to what stands: whatever the platform says anew, and
    /// of the rest what the customer says. An address is taken as a whole: half of one and
    /// half of another is nobody's.
    #[must_use]
    pub fn told(&self, base: &Self, said: Self) -> Self {
        fn told<T: PartialEq + Clone>(stands: &T, base: &T, said: T) -> T {
            if said == *base { stands.clone() } else { said }
        }
        let address = if said.address() == base.address() {
            self
        } else {
            &said
        }
        .clone();
        Self {
            username: told(&self.username, &base.username, said.username),
            email: told(&self.email, &base.email, said.email),
            full_name: told(&self.full_name, &base.full_name, said.full_name),
            company: told(&self.company, &base.company, said.company),
            vat_number: told(&self.vat_number, &base.vat_number, said.vat_number),
            invoice_note: told(&self.invoice_note, &base.invoice_note, said.invoice_note),
            language: told(&self.language, &base.language, said.language),
            account: said.account,
            ..address
        }
    }

    fn address(&self) -> [&str; 6] {
        [
            self.country.code(),
            &self.address_line1,
            &self.address_line2,
            &self.postal_code,
            &self.city,
            &self.state,
        ]
    }

    /// The digest of everything the version says. What came later to what it may say
    /// counts only where it says that: the versions from before keep their digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let later = [
            self.address_line2.as_str(),
            self.state.as_str(),
            self.invoice_note.as_str(),
        ];
        let says_later = later.iter().any(|text| !text.is_empty());
        let first = [
            self.account.as_str(),
            &self.username,
            &self.email,
            &self.full_name,
            &self.company,
            self.country.code(),
            &self.address_line1,
            &self.postal_code,
            &self.city,
            &self.vat_number,
            self.language.code(),
        ];
        Digest::of_fields(
            first
                .into_iter()
                .chain(later.into_iter().filter(|_| says_later)),
        )
    }

    /// The name the invoice is made out to: the company, or the person.
    #[must_use]
    pub fn legal_name(&self) -> &str {
        if self.company.is_empty() {
            &self.full_name
        } else {
            &self.company
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(
        email: &str,
        company: &str,
        country: &str,
        city: &str,
        note: &str,
    ) -> BillingProfile {
        BillingProfile {
            email: email.to_owned(),
            company: company.to_owned(),
            city: city.to_owned(),
            invoice_note: note.to_owned(),
            ..BillingProfile::emptied(
                "acc-1".to_owned(),
                country.parse().unwrap(),
                Language::English,
            )
        }
    }

    #[test]
    fn what_the_platform_says_anew_stands_beside_what_the_customer_changed() {
        let base = profile("a@x", "A", "FR", "Lyon", "");
        for (stands, said, expected) in [
            // Nothing new, everything new, and the same change on both sides.
            (
                ("b@x", "B", "FR", "Metz", "n"),
                ("a@x", "A", "FR", "Lyon", ""),
                ("b@x", "B", "FR", "Metz", "n"),
            ),
            (
                ("a@x", "A", "FR", "Lyon", ""),
                ("b@x", "B", "DE", "Kehl", ""),
                ("b@x", "B", "DE", "Kehl", ""),
            ),
            (
                ("b@x", "A", "FR", "Lyon", ""),
                ("b@x", "A", "FR", "Lyon", ""),
                ("b@x", "A", "FR", "Lyon", ""),
            ),
            // Each its own field; where both changed one, the platform was last.
            (
                ("b@x", "A", "FR", "Lyon", "n"),
                ("a@x", "C", "FR", "Lyon", ""),
                ("b@x", "C", "FR", "Lyon", "n"),
            ),
            (
                ("b@x", "A", "FR", "Lyon", ""),
                ("c@x", "A", "FR", "Lyon", ""),
                ("c@x", "A", "FR", "Lyon", ""),
            ),
            // An address is one thing.
            (
                ("a@x", "A", "FR", "Metz", ""),
                ("a@x", "A", "DE", "Lyon", ""),
                ("a@x", "A", "DE", "Lyon", ""),
            ),
        ] {
            let of = |(email, company, country, city, note)| {
                profile(email, company, country, city, note)
            };
            assert_eq!(of(stands).told(&base, of(said)), of(expected));
        }
    }

    prop_compose! {
        fn any_profile()(
            email in "[ab]@x", company in "[ab]?", country in "FR|DE", city in "[ab]?", note in "[ab]?",
        ) -> BillingProfile {
            profile(&email, &company, &country, &city, &note)
        }
    }

    proptest! {
        #[test]
        fn a_file_that_says_nothing_new_changes_nothing(
            base in any_profile(), stands in any_profile(), said in any_profile(),
        ) {
            prop_assert_eq!(&stands.told(&base, base.clone()), &stands);
            prop_assert_eq!(&base.told(&base, said.clone()), &said);
            let once = stands.told(&base, said.clone());
            // The next file says the same.
            prop_assert_eq!(once.told(&said, said.clone()), once);
        }
    }
}
