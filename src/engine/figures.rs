//! How the house stands, in figures, for whoever watches over it.

use std::time::Duration;

use crate::domain::calendar::Instant;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::Figures;

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// The figures of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub at: Instant,
    pub figures: Figures,
}

impl Engine {
    /// Counts, in one snapshot. Lately is within a day, and what did not go on for a day
    /// is stuck.
    ///
    /// # Errors
    /// When the database refuses, or a query takes longer than it may.
    pub async fn standing(&self, within: Duration) -> Result<Standing, StoreError> {
        let at = self.clock.now();
        let since = Instant(at.0.saturating_sub(MICROSECONDS_PER_DAY));
        let mut tx = self.store.snapshot_within(within).await?;
        let figures = on!(&mut tx, conn, q => q::figures(conn, since).await)?;
        tx.rollback().await?;
        Ok(Standing { at, figures })
    }
}
