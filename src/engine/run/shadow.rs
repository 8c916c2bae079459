//! A shadow run: the same month computed again from the facts as they are now,
//! compared with what stands, and not written.

use super::batch::{Decided, decide_range};
use super::facts::{Prices, RunFacts};
use super::{ACCOUNTS_PER_BATCH, BatchTally, Engine, Progress, RunError};
use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::ids::{IssuerId, RunId};
use crate::domain::invoice::Decision;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::money::Currency;
use crate::on;
use crate::store::rows::{Outcome, Run, RunRange, RunState};

/// What a month would be for an account, or is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not run yet.
    None,
    NothingDue,
    Invoiced {
        total_minor: i64,
    },
    Parked,
}

/// An account whose month would come out differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub account: String,
    pub currency: Currency,
    pub stands: Standing,
    pub would_be: Standing,
    /// Why it would be parked.
    pub reason: Option<String>,
}

/// What a shadow run found.
#[derive(Debug, Clone, Default)]
pub struct ShadowReport {
    pub accounts: u64,
    pub same: u64,
    pub differences: Vec<Difference>,
}

impl Engine {
    /// Computes a month again, of all accounts or of one, and compares.
    ///
    /// # Errors
    /// When the database refuses or an account is unknown. A month that has
    /// not ended can be previewed too.
    pub async fn shadow(
        &self,
        key: PeriodKey,
        only: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<ShadowReport, RunError> {
        let mut tx = self.store.snapshot().await?;
        let stored = on!(&mut tx, conn, q => q::find_run(conn, key).await)?;
        let period = match &stored {
            Some(run) => run.period,
            None => BillingPeriod::new(key, self.config.zone())?,
        };
        let facts = RunFacts {
            run: stored.unwrap_or(Run {
                id: RunId(0),
                period,
                state: RunState::Planned,
                paused: false,
                planned_at: self.clock.now(),
            }),
            issuer: IssuerId(0),
            issuer_digest: Digest::NONE,
            prices: Prices {
                generation: on!(&mut tx, conn, q => q::generation(conn).await)?,
                book: on!(&mut tx, conn, q => q::price_book(conn).await)?.into(),
            },
        };
        let ranges = match only {
            Some(external_id) => {
                let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
                    .ok_or_else(|| RunError::UnknownAccount(external_id.to_owned()))?;
                vec![RunRange::only(account)]
            }
            None => on!(&mut tx, conn, q => q::account_ranges(conn, ACCOUNTS_PER_BATCH).await)?,
        };
        let mut report = ShadowReport::default();
        for range in ranges {
            let decided = decide_range(&mut tx, self, &facts, &facts.prices, range, true).await?;
            let standing = on!(&mut tx, conn, q => q::standing_totals(conn, range, key).await)?;
            let accounts = u64::try_from(decided.len()).unwrap_or(0);
            for account in decided {
                let stands = standing.get(&account.due.account.id).copied();
                compare(&mut report, account, stands);
            }
            progress.done(BatchTally {
                accounts,
                ..BatchTally::default()
            });
        }
        Ok(report)
    }
}

fn compare(report: &mut ShadowReport, account: Decided, standing: Option<(i16, i64)>) {
    let stands = match standing {
        None => Standing::None,
        Some((code, total_minor)) if code == Outcome::Invoiced.code() => {
            Standing::Invoiced { total_minor }
        }
        Some((code, _)) if code == Outcome::Parked.code() => Standing::Parked,
        Some(_) => Standing::NothingDue,
    };
    let (would_be, reason) = match account.decision {
        Decision::Invoice(draft) => (
            Standing::Invoiced {
                total_minor: draft.total_minor,
            },
            None,
        ),
        Decision::NothingDue | Decision::GivenUp => (Standing::NothingDue, None),
        Decision::Parked(reason) => (Standing::Parked, Some(reason.to_string())),
    };
    report.accounts += 1;
    if stands == would_be {
        report.same += 1;
    } else {
        report.differences.push(Difference {
            account: account.due.external_id,
            currency: account.due.account.currency,
            stands,
            would_be,
            reason,
        });
    }
}
