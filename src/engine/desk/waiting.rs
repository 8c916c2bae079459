//! What waits for the approval of a person.

use crate::domain::calendar::PeriodKey;
use crate::domain::dunning::{Block, NextStep, Readiness};
use crate::engine::dunning::{DebtorOutlook, DunningError};
use crate::engine::run::{Engine, RunError};
use crate::on;
use crate::store::rows::Parked;

/// Accounts that are read together.
const PAGE: i64 = 500;

/// What waits cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum WaitingError {
    #[error(transparent)]
    Dunning(#[from] DunningError),
    #[error(transparent)]
    Run(#[from] RunError),
}

/// What waits for the approval of a person.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// Accounts whose data would be deleted for their debt.
    pub deletions: Vec<DebtorOutlook>,
    /// Accounts whose invoice is held back, and the month of each.
    pub parked: Vec<(PeriodKey, Parked)>,
}

impl Engine {
    /// Everything that waits.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn waiting(&self) -> Result<Waiting, WaitingError> {
        let mut waiting = Waiting::default();
        let mut after = None;
        loop {
            let (page, last) = self.suspended_after(after, PAGE).await?;
            let needs_approval = |debtor: &DebtorOutlook| debtor.next.is_some_and(is_to_approve);
            waiting
                .deletions
                .extend(page.into_iter().filter(needs_approval));
            if last.is_none() {
                break;
            }
            after = last;
        }
        let runs = self.list_runs().await?;
        let mut tx = self.store.snapshot().await.map_err(RunError::from)?;
        for run in runs {
            let period = run.period.key;
            let parked = on!(&mut tx, conn, q => q::list_parked(conn, period).await);
            let parked = parked.map_err(RunError::from)?;
            let held = parked.into_iter().filter(|parked| !parked.released);
            waiting.parked.extend(held.map(|parked| (period, parked)));
        }
        tx.rollback().await.map_err(RunError::from)?;
        Ok(waiting)
    }
}

const fn is_to_approve(next: NextStep) -> bool {
    matches!(next.readiness, Readiness::Blocked(Block::NeedsApproval))
}
