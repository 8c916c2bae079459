//! `[deletion]`: how an account leaves, and how long what has to be kept is kept.

use std::time::Duration;

use serde::Deserialize;

use super::raw::Check;

/// How an account leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionSettings {
    /// How long the link works that confirms it.
    pub link: Duration,
    /// For how many years, from the end of the year of their issue, invoices keep
    /// their customer's identity.
    pub invoice_years: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDeletion {
    link_hours: i64,
    invoice_years: i64,
}

impl Default for RawDeletion {
    fn default() -> Self {
        Self {
            link_hours: 24,
            // French Code de commerce, L123-22.
            invoice_years: 10,
        }
    }
}

impl RawDeletion {
    pub fn check(&self, check: &mut Check) -> Option<DeletionSettings> {
        let link_hours = check.range("deletion.link_hours", self.link_hours, 1, 168);
        // No member state asks for less than five years, nor for more than these.
        let invoice_years = check.range("deletion.invoice_years", self.invoice_years, 5, 30);
        let hours = u64::from(link_hours?);
        Some(DeletionSettings {
            link: Duration::from_secs(hours * 60 * 60),
            invoice_years: invoice_years?,
        })
    }
}
