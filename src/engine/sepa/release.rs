//! A file goes to the bank, or never will.

use super::SepaError;
use crate::domain::payment::{AttemptEvent, AttemptState};
use crate::domain::sepa::target::earliest_collection;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{BatchState, ByPerson, DebitsInState, StoredBatch, StoredBlock};

/// How many debits are named that keep a file from being released.
const NAMED_MAX: i64 = 20;

/// A batch whole, but for its debits one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchShown {
    pub batch: StoredBatch,
    pub blocks: Vec<StoredBlock>,
    /// Where its attempts stand now.
    pub progress: Vec<DebitsInState>,
}

impl Engine {
    /// Every batch, the newest first.
    ///
    /// # Errors
    /// When the database refuses, or holds what no version writes.
    pub async fn batches(&self) -> Result<Vec<StoredBatch>, SepaError> {
        let mut tx = self.store.snapshot().await?;
        Ok(on!(&mut tx, conn, q => q::stored_batches(conn, None).await)?)
    }

    pub(super) async fn batch(&self, id: &str) -> Result<StoredBatch, SepaError> {
        let mut tx = self.store.snapshot().await?;
        found(&mut tx, id).await
    }

    /// # Errors
    /// When there is no such batch.
    pub async fn show_batch(&self, id: &str) -> Result<BatchShown, SepaError> {
        let mut tx = self.store.snapshot().await?;
        let batch = found(&mut tx, id).await?;
        Ok(BatchShown {
            batch,
            blocks: on!(&mut tx, conn, q => q::stored_blocks(conn, id).await)?,
            progress: on!(&mut tx, conn, q => q::batch_progress(conn, id).await)?,
        })
    }

    /// Lets a file go to the bank: from now on its debits are on their way, and
    /// its mandates are known to the bank as the file tells them.
    ///
    /// # Errors
    /// When it was released or canceled before, its file was altered, the bank has
    /// no time left for its dates, or it is not any more what it was made of.
    pub async fn release_batch(&self, id: &str, by: ByPerson<'_>) -> Result<BatchShown, SepaError> {
        let shown = self.show_batch(id).await?;
        refuse_decided(&shown.batch, "released")?;
        let today = self.clock.today(self.config.zone());
        let earliest = earliest_collection(today);
        if let Some(block) = shown
            .blocks
            .iter()
            .find(|block| block.collect_on < earliest)
        {
            return Err(SepaError::TooLate {
                id: id.to_owned(),
                collect_on: block.collect_on,
                earliest,
            });
        }
        if self.archived_digest(id)? != shown.batch.digest {
            return Err(SepaError::OtherDigest(id.to_owned()));
        }
        let now = self.clock.now();
        let sent = AttemptState::Created.apply(&AttemptEvent::Sent)?;
        let mut tx = self.store.begin().await?;
        mark(&mut tx, id, BatchState::Released, "released", now).await?;
        let count = on!(&mut tx, conn, q => q::decide_batch(conn, id, &sent, now).await)?;
        let all_sent = u64::try_from(shown.batch.debits) == Ok(count);
        // Asked after the attempts: whoever withdraws one waits for them.
        let same_accounts = on!(&mut tx, conn, q => q::present_mandates(conn, id).await)?;
        if !all_sent || !same_accounts {
            tx.rollback().await?;
            let mut tx = self.store.snapshot().await?;
            let stale = on!(&mut tx, conn, q => q::stale_debits(conn, id, NAMED_MAX).await)?;
            return Err(SepaError::Stale {
                id: id.to_owned(),
                stale,
            });
        }
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "sepa_released", id, now).await
        })?;
        tx.commit().await?;
        self.show_batch(id).await
    }

    /// Takes a file back that never went to the bank: its attempts are withdrawn,
    /// and collecting decides anew.
    ///
    /// # Errors
    /// When it was released or canceled before.
    pub async fn cancel_batch(&self, id: &str, by: ByPerson<'_>) -> Result<BatchShown, SepaError> {
        let now = self.clock.now();
        let withdrawn = AttemptState::Created.apply(&AttemptEvent::Withdrawn)?;
        refuse_decided(&self.batch(id).await?, "canceled")?;
        let mut tx = self.store.begin().await?;
        mark(&mut tx, id, BatchState::Canceled, "canceled", now).await?;
        on!(&mut tx, conn, q => q::decide_batch(conn, id, &withdrawn, now).await)?;
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "sepa_canceled", id, now).await
        })?;
        tx.commit().await?;
        self.show_batch(id).await
    }
}

async fn found(tx: &mut Tx, id: &str) -> Result<StoredBatch, SepaError> {
    let none = || SepaError::UnknownBatch(id.to_owned());
    if id.is_empty() {
        return Err(none());
    }
    let batches = on!(&mut *tx, conn, q => q::stored_batches(conn, Some(id)).await)?;
    batches.into_iter().next().ok_or_else(none)
}

fn refuse_decided(batch: &StoredBatch, wanted: &'static str) -> Result<(), SepaError> {
    if batch.state == BatchState::Made {
        return Ok(());
    }
    Err(SepaError::NotMade {
        id: batch.id.clone(),
        state: batch.state,
        wanted,
    })
}

/// The guard against two at once: the row is one's own from here on.
async fn mark(
    tx: &mut Tx,
    id: &str,
    state: BatchState,
    wanted: &'static str,
    now: crate::domain::calendar::Instant,
) -> Result<(), SepaError> {
    let marked = on!(&mut *tx, conn, q => q::mark_batch(conn, id, state, now).await)?;
    if marked {
        return Ok(());
    }
    let batch = found(tx, id).await?;
    refuse_decided(&batch, wanted)?;
    Err(SepaError::UnknownBatch(id.to_owned()))
}
