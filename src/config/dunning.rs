//! `[dunning]` as it is written, and the check that makes it a policy.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;

use super::raw::Check;
use crate::domain::dunning::{ApprovalPolicy, DunningPolicy};
use crate::domain::money::Currency;
use crate::domain::payment::Ladder;

/// The most days between two steps that anyone would mean.
const DAYS_MAX: u32 = 365;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDunning {
    suspension_day: i64,
    suspension_warnings: Vec<u32>,
    deletion_day: i64,
    deletion_warnings: Vec<u32>,
    approval_above: String,
    approval_above_by_currency: BTreeMap<String, String>,
    approval_for_health_data: bool,
}

impl Default for RawDunning {
    fn default() -> Self {
        Self {
            suspension_day: 15,
            suspension_warnings: vec![7, 1],
            deletion_day: 30,
            deletion_warnings: vec![14, 7, 1],
            approval_above: "500".to_owned(),
            approval_above_by_currency: BTreeMap::new(),
            approval_for_health_data: true,
        }
    }
}

impl RawDunning {
    /// Without a ladder nothing is said of it: its own problem is on the list.
    pub fn check(&self, check: &mut Check, ladder: Option<&Ladder>) -> Option<DunningPolicy> {
        const MOST: i64 = 1_000_000_000_000;
        let days = |check: &mut Check, key, value| check.range(key, value, 1, DAYS_MAX);
        let suspension = days(check, "dunning.suspension_day", self.suspension_day);
        let deletion = days(check, "dunning.deletion_day", self.deletion_day);
        let above = check.decimal("dunning.approval_above", &self.approval_above, 0, MOST);
        let mut by_currency = Vec::new();
        for (code, above) in &self.approval_above_by_currency {
            let key = format!("dunning.approval_above_by_currency.{code}");
            let currency = check.take(&key, Currency::from_str(code));
            let above = check.decimal(&key, above, 0, MOST);
            if let (Some(currency), Some(above)) = (currency, above) {
                by_currency.push((currency, above));
            }
        }
        let policy = DunningPolicy::new(
            (suspension?, self.suspension_warnings.clone()),
            (deletion?, self.deletion_warnings.clone()),
            ApprovalPolicy {
                above: above?,
                by_currency,
                for_health_data: self.approval_for_health_data,
            },
            ladder?,
        );
        check.take("dunning", policy)
    }
}
