//! A file goes to the bank, or never will.

use super::{SepaError, StaleDebit};
use crate::domain::payment::{AttemptEvent, AttemptState};
use crate::domain::sepa::standing::DebitStanding;
use crate::domain::sepa::target::earliest_collection;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{
    BatchState, BlockName, ByPerson, DebitsInState, FiledDebit, StoredBatch, StoredBlock,
};

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
    /// no time left for its dates, or a debit of it is not any more what it was made
    /// of: its invoice owes less, or its mandate is another. Nothing is sent then,
    /// of all the file: its sums are in it, and it is archived as it is.
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
        // Whoever pays an invoice, or changes a mandate, holds its account: what
        // is found from here on stays so until the file is on its way.
        hold_accounts(&mut tx, id).await?;
        mark(&mut tx, id, BatchState::Released, "released", now).await?;
        let stale = stale_debits(&mut tx, &shown.batch).await?;
        if !stale.is_empty() {
            return Err(SepaError::Stale {
                id: id.to_owned(),
                stale,
            });
        }
        let count = on!(&mut tx, conn, q => q::decide_batch(conn, id, &sent, now).await)?;
        if u64::try_from(shown.batch.debits) != Ok(count) {
            return Err(SepaError::OtherDebits(id.to_owned()));
        }
        on!(&mut tx, conn, q => q::present_mandates(conn, id).await)?;
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
        hold_accounts(&mut tx, id).await?;
        mark(&mut tx, id, BatchState::Canceled, "canceled", now).await?;
        on!(&mut tx, conn, q => q::decide_batch(conn, id, &withdrawn, now).await)?;
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "sepa_canceled", id, now).await
        })?;
        tx.commit().await?;
        self.show_batch(id).await
    }
}

/// Holds the accounts of every debit of a file.
async fn hold_accounts(tx: &mut Tx, id: &str) -> Result<(), SepaError> {
    let whole = BlockName::of_message(id.to_owned());
    Ok(on!(&mut *tx, conn, q => q::lock_block_accounts(conn, &whole).await)?)
}

/// The debits of a file that are not any more what it says, by account. The
/// caller holds their accounts.
async fn stale_debits(tx: &mut Tx, batch: &StoredBatch) -> Result<Vec<StaleDebit>, SepaError> {
    let id = &batch.id;
    let mut stale = Vec::new();
    let mut keep = |debit: FiledDebit| {
        let standing = DebitStanding {
            attempt: &debit.state,
            mandate: &debit.method,
            amount: debit.amount,
            open_minor: debit.open_minor,
        };
        if let Some(obstacle) = standing.obstacle_to_release(&debit.mandate) {
            stale.push(StaleDebit {
                external_id: debit.external_id,
                number: debit.number,
                attempt: debit.attempt,
                obstacle,
            });
        }
    };
    let count = on!(&mut *tx, conn, q => q::each_filed_debit(conn, id, &mut keep).await)?;
    if count != batch.debits {
        return Err(SepaError::OtherDebits(id.clone()));
    }
    stale.sort_by(|a, b| (&a.external_id, a.attempt).cmp(&(&b.external_id, b.attempt)));
    Ok(stale)
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
