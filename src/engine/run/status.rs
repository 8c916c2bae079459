//! Where a run stands.

use super::{Engine, RunError};
use crate::domain::calendar::PeriodKey;
use crate::on;
use crate::store::rows::{CurrencyTotal, OutcomeCounts, Parked, Run};

/// A run with its counts and sums.
#[derive(Debug, Clone)]
pub struct RunStatus {
    pub run: Run,
    pub counts: OutcomeCounts,
    /// Accounts without an outcome yet.
    pub missing: i64,
    pub totals: Vec<CurrencyTotal>,
    pub parked: Vec<Parked>,
    /// Pieces of late usage that wait for their next invoice, and of how many
    /// accounts.
    pub late_waiting: (i64, i64),
    /// Months between the first run and this one that were never run.
    pub skipped: Vec<PeriodKey>,
}

impl Engine {
    /// Where the run of a period stands.
    ///
    /// # Errors
    /// When it was never planned, or the database refuses.
    pub async fn run_status(&self, key: PeriodKey) -> Result<RunStatus, RunError> {
        let mut tx = self.store.snapshot().await?;
        let run =
            on!(&mut tx, conn, q => q::find_run(conn, key).await)?.ok_or(RunError::NoRun(key))?;
        let runs = on!(&mut tx, conn, q => q::list_runs(conn).await)?;
        Ok(RunStatus {
            skipped: skipped(&runs, key),
            counts: on!(&mut tx, conn, q => q::count_outcomes(conn, key).await)?,
            missing: on!(&mut tx, conn, q => q::missing_outcomes(conn, &run.period).await)?,
            totals: on!(&mut tx, conn, q => q::currency_totals(conn, key).await)?,
            parked: on!(&mut tx, conn, q => q::list_parked(conn, key).await)?,
            late_waiting: on!(&mut tx, conn, q => q::count_waiting_late(conn).await)?,
            run,
        })
    }

    /// Every run, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn run_statuses(&self) -> Result<Vec<RunStatus>, RunError> {
        let mut statuses = Vec::new();
        for run in self.list_runs().await? {
            statuses.push(self.run_status(run.period.key).await?);
        }
        Ok(statuses)
    }

    /// Every run.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn list_runs(&self) -> Result<Vec<Run>, RunError> {
        let mut tx = self.store.snapshot().await?;
        Ok(on!(&mut tx, conn, q => q::list_runs(conn).await)?)
    }
}

fn skipped(runs: &[Run], until: PeriodKey) -> Vec<PeriodKey> {
    let was_run = |key: &PeriodKey| runs.iter().any(|run| run.period.key == *key);
    let first = runs.iter().map(|run| run.period.key).min();
    std::iter::successors(first, |key| key.next())
        .take_while(|key| *key < until)
        .filter(|key| !was_run(key))
        .collect()
}
