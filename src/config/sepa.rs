//! `[sepa]`: who collects, and what is agreed with bank and debtors.

use std::path::PathBuf;

use serde::Deserialize;

use super::raw::Check;
use crate::domain::sepa::bic::Bic;
use crate::domain::sepa::collection::CollectionPolicy;
use crate::domain::sepa::creditor::CreditorId;
use crate::domain::sepa::iban::IbanText;
use crate::domain::sepa::mandate::FirstCollection;
use crate::domain::sepa::message::Creditor;
use crate::domain::sepa::text::NAME_LENGTH_MAX;
use crate::providers::sepa::pain008::Version;

/// Direct debits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SepaSettings {
    pub creditor: Creditor,
    /// The version of pain.008 that the bank takes.
    pub version: Version,
    pub policy: CollectionPolicy,
    /// Where the files that went to the bank and came from it are kept, sealed.
    pub archive: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSepa {
    creditor_name: String,
    creditor_id: String,
    iban: String,
    #[serde(default)]
    bic: Option<String>,
    #[serde(default = "default_version")]
    version: String,
    #[serde(default = "default_prenotification")]
    prenotification_days: i64,
    #[serde(default = "default_first")]
    first_collection: String,
    #[serde(default = "default_archive")]
    archive: PathBuf,
}

fn default_version() -> String {
    Version::V08.code().to_owned()
}

fn default_prenotification() -> i64 {
    CollectionPolicy::default().prenotification_days.into()
}

fn default_first() -> String {
    "RCUR".to_owned()
}

fn default_archive() -> PathBuf {
    PathBuf::from("sepa")
}

impl RawSepa {
    pub fn check(&self, check: &mut Check) -> Option<SepaSettings> {
        let name = self.creditor_name.trim();
        if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX {
            let reason = format!("must be 1 to {NAME_LENGTH_MAX} characters");
            check.refuse("sepa.creditor_name", reason);
        }
        let identifier = check.take("sepa.creditor_id", self.creditor_id.parse::<CreditorId>());
        let iban = check.take("sepa.iban", IbanText::new(&self.iban).verify());
        if let Some(bic) = &self.bic {
            check.take("sepa.bic", bic.parse::<Bic>());
        }
        let version = check.take("sepa.version", self.version.parse());
        let days = check.range(
            "sepa.prenotification_days",
            self.prenotification_days,
            1,
            30,
        );
        let first_collection = match self.first_collection.as_str() {
            "FRST" => Some(FirstCollection::First),
            "RCUR" => Some(FirstCollection::Recurrent),
            other => {
                let reason = format!("{other:?} is none of FRST, RCUR");
                check.refuse("sepa.first_collection", reason);
                None
            }
        };
        Some(SepaSettings {
            creditor: Creditor {
                name: name.to_owned(),
                address: None,
                identifier: identifier?.as_str().to_owned(),
                iban: iban?.into(),
                bic: self.bic.clone(),
            },
            version: version?,
            policy: CollectionPolicy {
                prenotification_days: days?,
                first_collection: first_collection?,
            },
            archive: self.archive.clone(),
        })
    }
}
