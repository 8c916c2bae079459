//! The issuer and the terms that are printed, as one immutable version.

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::domain::invoice::document::Issuer;
use crate::domain::invoice::fingerprint::Digest;

/// What an invoice refers to as its issuer's version: a change of any of it
/// makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingTerms {
    pub issuer: Issuer,
    /// The zone that trial dates are printed in.
    pub zone: String,
    /// The days a printed trial lasts.
    pub free_trial_days: u32,
}

impl BillingTerms {
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            issuer: config.issuer.clone(),
            zone: config.policy.zone.name().to_owned(),
            free_trial_days: config.policy.free_trial_days,
        }
    }

    /// The version as it is stored, and its digest.
    ///
    /// # Errors
    /// Never for terms made of text and numbers.
    pub fn to_stored(&self) -> Result<(Digest, String), serde_json::Error> {
        let content = serde_json::to_string(self)?;
        Ok((Digest::of_fields([content.as_str()]), content))
    }
}
