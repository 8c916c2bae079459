//! The settings of `quittance.toml`. Every wrong one is refused at start, with
//! its key and the reason; `deploy/quittance.toml` documents them all.

mod api;
mod collection;
mod contract;
mod deletion;
mod dunning;
mod mail;
mod platform;
mod provider;
mod raw;
mod region;
mod sample;
mod schedule;
mod secret;
mod sepa;
mod vault;

use std::fmt;
use std::path::Path;

use chrono_tz::Tz;

use crate::domain::contract::Contracts;
use crate::domain::dunning::DunningPolicy;
use crate::domain::invoice::document::Issuer;
use crate::domain::invoice::{BillingPolicy, SeriesName};
use crate::domain::payment::CollectionPolicy;

pub use api::ApiSettings;
pub use deletion::DeletionSettings;
pub use mail::{MailSecurity, MailSettings};
pub use platform::PlatformSettings;
pub use provider::{CallPolicy, PayPalSettings, StripeSettings};
pub use region::Region;
pub use sample::sample_issuer;
pub use schedule::ScheduleSettings;
pub use secret::{SecretError, SecretSource};
pub use sepa::SepaSettings;
pub use vault::{VaultKey, VaultSettings};

/// Settings that are known to be right.
#[derive(Debug, Clone)]
pub struct Config {
    pub issuer: Issuer,
    /// Whether the issuer is the built-in sample: there was no file.
    pub is_sample: bool,
    pub policy: BillingPolicy,
    pub series: SeriesName,
    /// Days from the issue to the due date.
    pub due_after_days: u32,
    /// Which methods an invoice is charged by.
    pub collection: CollectionPolicy,
    /// When an account that does not pay is warned, suspended and deleted.
    pub dunning: DunningPolicy,
    /// How an account leaves, and what is kept of it for how long.
    pub deletion: DeletionSettings,
    /// When `serve` does what.
    pub schedule: ScheduleSettings,
    /// How the account API is used, which is answered where there is a vault.
    pub api: ApiSettings,
    /// Where the platform's clients find what runs their apps.
    pub regions: Vec<Region>,
    /// What customers accept.
    pub contracts: Contracts,
    /// Cards, where they are taken.
    pub stripe: Option<StripeSettings>,
    /// The sale of prepaid credit, where there is one.
    pub paypal: Option<PayPalSettings>,
    /// Direct debits, where they are collected.
    pub sepa: Option<SepaSettings>,
    /// The keys of what is sealed; direct debits need one.
    pub vault: Option<VaultSettings>,
    /// Mail to customers, where they are written to; without it notices wait.
    pub mail: Option<MailSettings>,
    /// The platform, where it is told; without it orders wait.
    pub platform: Option<PlatformSettings>,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} cannot be read: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("{path} cannot be read as settings: {message}")]
    Parse { path: String, message: String },
    #[error("{path} has wrong settings:\n{}", list(problems))]
    Wrong {
        path: String,
        problems: Vec<Problem>,
    },
}

/// A wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Such as `vat.rates[0].rate`.
    pub key: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    lines.join("\n")
}

impl Config {
    /// Reads the settings of a file; `None` gives the built-in sample.
    ///
    /// # Errors
    /// When the file cannot be read or any setting is wrong.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::sample();
        };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: name.clone(),
            source,
        })?;
        Self::parse(&text, &name)
    }

    /// Reads settings from a text; `path` names it in errors.
    ///
    /// # Errors
    /// When any setting is wrong.
    pub fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        let raw: raw::RawConfig = toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        raw.check().map_err(|problems| ConfigError::Wrong {
            path: path.to_owned(),
            problems,
        })
    }

    /// The settings without a file: a sample issuer and every default.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn sample() -> Result<Self, ConfigError> {
        let raw = raw::RawConfig::with_issuer(sample_issuer());
        let config = raw.check().map_err(|problems| ConfigError::Wrong {
            path: "the built-in sample".to_owned(),
            problems,
        })?;
        Ok(Self {
            is_sample: true,
            ..config
        })
    }

    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.policy.zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        match Config::parse(text, "quittance.toml") {
            Err(ConfigError::Wrong { problems, .. }) => {
                problems.iter().map(ToString::to_string).collect()
            }
            Err(ConfigError::Parse { message, .. }) => vec![message],
            other => panic!("expected problems, got {other:?}"),
        }
    }

    fn with_issuer(more: &str) -> String {
        #[derive(serde::Serialize)]
        struct Minimal {
            issuer: Issuer,
        }
        let issuer = Minimal {
            issuer: sample_issuer(),
        };
        format!("{more}\n{}", toml::to_string(&issuer).unwrap())
    }

    #[test]
    fn the_sample_and_the_documented_example_are_right() {
        assert!(Config::sample().unwrap().is_sample);
        let example = include_str!("../../deploy/quittance.toml");
        let config = Config::parse(example, "deploy/quittance.toml").unwrap();
        assert!(!config.is_sample);
        // The example spells the defaults out.
        let sample = Config::sample().unwrap();
        assert_eq!(config.policy.bounds.default, sample.policy.bounds.default);
        assert_eq!(config.policy.free_trial_days, sample.policy.free_trial_days);
        assert_eq!(config.due_after_days, sample.due_after_days);
        assert_eq!(config.deletion, sample.deletion);
        assert_eq!(config.policy.zone, sample.policy.zone);
        assert_eq!(config.collection, CollectionPolicy::default());
        assert_eq!(sample.collection, CollectionPolicy::default());
        assert_eq!(config.dunning, DunningPolicy::default());
        assert_eq!(sample.dunning, DunningPolicy::default());
    }

    #[test]
    fn every_wrong_setting_is_named_with_its_key() {
        let text = with_issuer(
            r#"
            [billing]
            zone = "Europe/Atlantis"
            series = "q-1"
            free_trial_days = 4000
            [vat]
            outside_eu = "S"
            [[vat.rates]]
            region = "FR"
            rate = "abc"
            valid_from = "2027-02-30"
            [bounds]
            factor = 0
            over = "-1"
            [bounds.by_currency.XXX]
            factor = 10
            over = "1"
            limit = "0"
            "#,
        );
        let found = problems(&text);
        for key in [
            "billing.zone: ",
            "billing.series: ",
            "billing.free_trial_days: ",
            "vat.outside_eu: ",
            "vat.rates[0].rate: ",
            "vat.rates[0].valid_from: ",
            "bounds.factor: ",
            "bounds.over: ",
            "bounds.by_currency.XXX: ",
        ] {
            assert!(
                found.iter().any(|problem| problem.starts_with(key)),
                "{key} in {found:#?}"
            );
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let text = with_issuer(
            r#"
            [[vat.rates]]
            region = "FR"
            rate = "21"
            valid_from = "2027-01-01"
            [[vat.rates]]
            region = "FR"
            rate = "22"
            valid_from = "2028-01-01"
            [[vat.rates]]
            region = "FR"
            rate = "21.5"
            valid_from = "2027-01-01"
            [bounds]
            over = "200000"
            [bounds.by_currency.JPY]
            factor = 10
            over = "400001"
            limit = "400000"
            [bounds.by_currency.PLN]
            factor = 10
            over = "5"
            limit = "5.0"
            "#,
        );
        assert_eq!(
            problems(&text),
            [
                "vat.rates[2]: FR has a rate from 2027-01-01 already",
                "bounds.over: 200000 is above bounds.limit 100000, which parks before it",
                "bounds.by_currency.JPY.over: 400001 is above bounds.by_currency.JPY.limit 400000, \
                 which parks before it",
            ]
        );
    }

    #[test]
    fn a_wrong_collection_is_named_with_its_key() {
        // (settings, what is said)
        let wrong = [
            (
                "order = [\"credit\", \"paypal\"]",
                "collection.order[1]: \"paypal\" is none of credit, sepa, card",
            ),
            (
                "order = [\"card\", \"card\"]\nfallback = []",
                "collection.order: names card twice",
            ),
            (
                "order = []\nfallback = []",
                "collection.order: must name at least one of credit, sepa, card",
            ),
            (
                "fallback = [\"cash\"]",
                "collection.fallback[0]: \"cash\" is none of credit, sepa, card",
            ),
            (
                "fallback = [\"sepa\", \"credit\", \"sepa\"]",
                "collection.fallback: names sepa twice",
            ),
            (
                "order = [\"card\"]",
                "collection.fallback: credit is not in collection.order",
            ),
        ];
        for (settings, said) in wrong {
            let found = problems(&with_issuer(&format!("[collection]\n{settings}\n")));
            assert_eq!(found, [said], "{settings}");
        }
        let text = with_issuer(
            "[collection]\norder = [\"card\", \"credit\"]\nfallback = [\"card\"]\npartial_credit = true\n",
        );
        let collection = Config::parse(&text, "quittance.toml").unwrap().collection;
        assert!(collection.partial_credit && collection.fallback.card);
        assert!(!collection.fallback.credit && !collection.fallback.sepa);
    }

    #[test]
    fn a_wrong_dunning_is_named_with_its_key() {
        // (settings, what is said)
        let wrong = [
            (
                "[collection]\nattempt_days = [0, 3, 3]",
                "collection.attempt_days: [0, 3, 3] is no ladder: write at least one day, each later \
                 than the one before",
            ),
            (
                "[collection]\nattempt_days = [0, 20]",
                "dunning: suspension on day 15 would come before the last attempt to be paid on day 20",
            ),
            (
                "[dunning]\nsuspension_warnings = [1, 7]",
                "dunning: [1, 7] are no warnings: write days before, each fewer than the one before it",
            ),
            (
                "[dunning]\ndeletion_day = 7",
                "dunning: a warning 14 days before would come before the 7 days begin",
            ),
            (
                "[dunning]\ndeletion_warnings = []",
                "dunning: data is not deleted without a warning",
            ),
            (
                "[dunning]\nsuspension_day = -1",
                "dunning.suspension_day: -1 is not between 1 and 365",
            ),
            (
                "[deletion]\nlink_hours = 0",
                "deletion.link_hours: 0 is not between 1 and 168",
            ),
            (
                "[deletion]\ninvoice_years = 4",
                "deletion.invoice_years: 4 is not between 5 and 30",
            ),
            (
                "[dunning]\napproval_above = \"much\"",
                "dunning.approval_above: \"much\" is not a number between 0 and 1000000000000",
            ),
        ];
        for (settings, said) in wrong {
            assert_eq!(problems(&with_issuer(settings)), [said], "{settings}");
        }
    }

    #[test]
    fn a_wrong_api_is_named_with_its_key() {
        for (key, value, bounds) in [
            ("requests_per_minute", 0, "1 and 10000000"),
            ("batches_in_hand", 1_001, "1 and 1000"),
            ("request_timeout_seconds", 0, "1 and 600"),
            ("request_timeout_seconds", 601, "1 and 600"),
            ("shutdown_seconds", -1, "1 and 600"),
        ] {
            let found = problems(&with_issuer(&format!("[api]\n{key} = {value}")));
            let said = format!("api.{key}: {value} is not between {bounds}");
            assert_eq!(found, [said]);
        }
        let text = with_issuer("[api]\nrequest_timeout_seconds = 5\nshutdown_seconds = 600\n");
        let api = Config::parse(&text, "quittance.toml").unwrap().api;
        assert_eq!(
            (api.request_timeout_seconds, api.shutdown_seconds),
            (5, 600)
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let found = problems("[billing]\nzonee = \"Europe/Paris\"\n");
        assert!(
            found[0].contains("zonee") && found[0].contains("line 2"),
            "{found:?}"
        );
    }

    #[test]
    fn a_wrong_issuer_is_named() {
        let mut issuer = sample_issuer();
        issuer.vat_number = "FR00000000000".to_owned();
        issuer.siren = "123".to_owned();
        issuer.name = String::new();
        #[derive(serde::Serialize)]
        struct Minimal {
            issuer: Issuer,
        }
        let found = problems(&toml::to_string(&Minimal { issuer }).unwrap());
        for key in [
            "issuer.vat_number: ",
            "issuer.siren: ",
            "issuer.siret: ",
            "issuer.name: ",
        ] {
            assert!(
                found.iter().any(|problem| problem.starts_with(key)),
                "{key} in {found:#?}"
            );
        }
    }
}
