//! Where the run's usage totals come from: the database's own aggregate. This
//! is the one door; a distributed engine over usage in object storage would
//! enter here.

use std::collections::HashMap;

use crate::domain::calendar::{BillingPeriod, Instant};
use crate::domain::catalog::Catalog;
use crate::domain::ids::AccountId;
use crate::domain::invoice::allowance::FreeTrial;
use crate::domain::usage::UsageTotal;
use crate::on;
use crate::store::rows::{DueAccount, RunRange};
use crate::store::{StoreError, Tx};

/// The usage of a range's accounts in a period, per account, cut where prices
/// change, with the part that lies within free trials.
///
/// # Errors
/// When the database refuses.
pub async fn totals(
    tx: &mut Tx,
    range: RunRange,
    period: &BillingPeriod,
    catalog: &Catalog,
    accounts: &[DueAccount],
    free_trial_days: u32,
) -> Result<HashMap<AccountId, Vec<UsageTotal>>, StoreError> {
    let in_trial = accounts.iter().any(|due| {
        let trial = FreeTrial::of_account(&due.account, free_trial_days);
        trial.start < period.end && trial.end > period.start
    });
    let mut by_account: HashMap<AccountId, Vec<UsageTotal>> =
        HashMap::with_capacity(accounts.len());
    for (from, until) in catalog.windows(period.start, period.end) {
        let mut totals = on!(&mut *tx, conn, q => q::usage_totals(conn, range, from, until).await)?;
        if in_trial {
            let trial_us = FreeTrial::of(Instant(0), free_trial_days).end.0;
            let trial = on!(&mut *tx, conn, q => q::trial_seconds(conn, range, from, until, trial_us).await)?;
            for usage in &mut totals {
                // The key is borrowed from the row; trials are few.
                let key = (usage.account, usage.total.app.clone(), usage.total.sku);
                usage.total.trial_seconds = trial.get(&key).copied().unwrap_or(0);
            }
        }
        for usage in totals {
            by_account
                .entry(usage.account)
                .or_default()
                .push(usage.total);
        }
    }
    Ok(by_account)
}
