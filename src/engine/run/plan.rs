//! A run from its first planning to its end.

use std::sync::Arc;

use super::{ACCOUNTS_PER_BATCH, Engine, Progress, RunError};
use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::ids::AccountId;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{Run, RunRange, RunState};

impl Engine {
    /// Creates the run unless it is there, and cuts what is due into ranges
    /// unless some wait already: then this process joins in.
    pub(super) async fn plan(
        &self,
        key: PeriodKey,
        progress: &Arc<dyn Progress>,
    ) -> Result<Run, RunError> {
        let mut tx = self.store.begin().await?;
        let run = self.ensure_run(&mut tx, key).await?;
        if run.paused {
            return Err(RunError::Paused(key));
        }
        if on!(&mut tx, conn, q => q::pending_ranges(conn, run.id).await)? == 0 {
            on!(&mut tx, conn, q => q::forget_ranges(conn, run.id).await)?;
            on!(&mut tx, conn, q => q::plan_ranges(conn, run.id, &run.period, ACCOUNTS_PER_BATCH).await)?;
        }
        let due = on!(&mut tx, conn, q => q::pending_accounts(conn, run.id).await)?;
        if due > 0 {
            on!(&mut tx, conn, q => q::set_run_state(conn, run.id, RunState::Running).await)?;
        }
        tx.commit().await?;
        progress.planned(u64::try_from(due).unwrap_or(0));
        Ok(run)
    }

    /// The run of a period, created unless it is there, and locked. The bounds
    /// it was created with hold, should the zone of the settings change.
    async fn ensure_run(&self, tx: &mut Tx, key: PeriodKey) -> Result<Run, RunError> {
        if on!(&mut *tx, conn, q => q::find_run(conn, key).await)?.is_none() {
            let period = BillingPeriod::new(key, self.config.zone())?;
            if self.clock.now() < period.end {
                return Err(RunError::NotEnded {
                    period: key,
                    end: period.end.to_string(),
                });
            }
            refuse_unless_adjacent(tx, &period).await?;
            on!(&mut *tx, conn, q => q::create_run(conn, &period, self.clock.now()).await)?;
        }
        let found = on!(&mut *tx, conn, q => q::find_run(conn, key).await)?;
        let run = found.ok_or(RunError::NoRun(key))?;
        on!(&mut *tx, conn, q => q::lock_run(conn, run.id).await)?;
        Ok(run)
    }

    /// The run and an account that takes part in it.
    pub(super) async fn run_and_account(
        &self,
        key: PeriodKey,
        external_id: &str,
    ) -> Result<(Run, AccountId), RunError> {
        let mut tx = self.store.begin().await?;
        let run = self.ensure_run(&mut tx, key).await?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
            .ok_or_else(|| RunError::UnknownAccount(external_id.to_owned()))?;
        let range = RunRange::only(account);
        let all = on!(&mut tx, conn, q => q::due_accounts(conn, range, &run.period, true).await)?;
        if all.is_empty() {
            return Err(RunError::NotYetCustomer {
                account: external_id.to_owned(),
                period: key,
            });
        }
        tx.commit().await?;
        Ok((run, account))
    }

    pub(super) async fn refuse_if_paused(&self, run: &Run) -> Result<(), RunError> {
        let mut tx = self.store.snapshot().await?;
        if on!(&mut tx, conn, q => q::is_paused(conn, run.id).await)? {
            return Err(RunError::Paused(run.period.key));
        }
        Ok(())
    }

    /// Ends the run when every account has its outcome; else plans those that
    /// came meanwhile and returns `false`. No import comes between the counting
    /// and the end.
    pub(super) async fn finish(&self, run: &Run) -> Result<bool, RunError> {
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::close_gate(conn).await)?;
        on!(&mut tx, conn, q => q::lock_run(conn, run.id).await)?;
        let missing = on!(&mut tx, conn, q => q::missing_outcomes(conn, &run.period).await)?;
        if missing > 0 {
            if on!(&mut tx, conn, q => q::pending_ranges(conn, run.id).await)? > 0 {
                return Ok(false);
            }
            on!(&mut tx, conn, q => q::plan_ranges(conn, run.id, &run.period, ACCOUNTS_PER_BATCH).await)?;
        } else {
            on!(&mut tx, conn, q => q::forget_ranges(conn, run.id).await)?;
            let key = run.period.key;
            let counts = on!(&mut tx, conn, q => q::count_outcomes(conn, key).await)?;
            let state = if counts.parked == 0 {
                RunState::Closed
            } else {
                RunState::Issued
            };
            on!(&mut tx, conn, q => q::set_run_state(conn, run.id, state).await)?;
        }
        tx.commit().await?;
        Ok(missing == 0)
    }
}

/// A month starts where the one before it ended, so that no time falls between
/// them and none is billed twice.
async fn refuse_unless_adjacent(tx: &mut Tx, period: &BillingPeriod) -> Result<(), RunError> {
    let neighbors = [period.key.previous(), period.key.next()];
    for key in neighbors.into_iter().flatten() {
        let Some(run) = on!(&mut *tx, conn, q => q::find_run(conn, key).await)? else {
            continue;
        };
        let neighbor = run.period;
        let meet = if neighbor.key < period.key {
            neighbor.end == period.start
        } else {
            period.end == neighbor.start
        };
        if !meet {
            return Err(RunError::NotAdjacent {
                period: period.key,
                start: period.start,
                end: period.end,
                neighbor: neighbor.key,
                neighbor_start: neighbor.start,
                neighbor_end: neighbor.end,
            });
        }
    }
    Ok(())
}
