//! What became of an attempt, recorded: its state, its entries in the ledger,
//! what is told of it and what it rules out, in one transaction.

pub(super) mod queue;
pub(super) mod writes;

use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::LedgerError;
use crate::domain::payment::allocation::AllocationError;
use crate::domain::payment::{
    AttemptState, InvoiceBalance, News, Settlement, SettlementError, SettlementFacts, settle,
};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::CallError;
use crate::store::rows::{ByPerson, StoredAttempt};
use crate::store::{StoreError, Tx};

use queue::Told;
use writes::{Settling, Writes};

/// The news of an attempt is not recorded. Nothing of it is written.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no payment {0}")]
    NoAttempt(AttemptId),
    #[error("payment {attempt} of {number}: {source}")]
    Settlement {
        attempt: AttemptId,
        number: InvoiceNumber,
        source: Box<SettlementError>,
    },
    #[error("{number}: {source}")]
    Allocation {
        number: InvoiceNumber,
        source: AllocationError,
    },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Engine {
    /// Records what was read of an attempt, and what its provider calls it,
    /// where that is news. What it became, or is already.
    ///
    /// # Errors
    /// When it contradicts what is recorded, or the database refuses.
    pub async fn settle_attempt(
        &self,
        account: AccountId,
        id: AttemptId,
        news: &News,
        reference: Option<&str>,
    ) -> Result<AttemptState, SettleError> {
        self.settle_told(Told {
            account,
            id,
            news: Some(news.clone()),
            reference: reference.map(str::to_owned),
        })
        .await
    }

    /// Takes an attempt back that this process did not get sent. Another process
    /// may have asked under the same key meanwhile: then it is lost, not taken
    /// back, and reconciling finds out.
    ///
    /// # Errors
    /// As [`Self::settle_attempt`].
    pub async fn withdraw_attempt(
        &self,
        account: AccountId,
        id: AttemptId,
    ) -> Result<AttemptState, SettleError> {
        self.settle_told(Told {
            account,
            id,
            news: None,
            reference: None,
        })
        .await
    }

    /// Keeps with an attempt what its provider said of it that cannot be booked, for
    /// a person to see; of any other error, nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn note_unbookable(
        &self,
        account: AccountId,
        id: AttemptId,
        error: &CallError,
    ) -> Result<(), StoreError> {
        if !matches!(error, CallError::Unbookable { .. }) {
            return Ok(());
        }
        let problem = error.to_string();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::note_attempt_problem(conn, account, id, &problem).await)?;
        tx.commit().await
    }

    async fn settle_told(&self, told: Told) -> Result<AttemptState, SettleError> {
        if self.store.has_single_writer() {
            self.settle_in_turn(told).await
        } else {
            self.settle_alone(&told).await
        }
    }
}

/// Records the news of an attempt that was read in this transaction, whose
/// account the caller holds. `by` is who decided it, where a person did.
pub(super) async fn record(
    tx: &mut Tx,
    attempt: &StoredAttempt,
    news: &News,
    reference: Option<&str>,
    by: Option<ByPerson<'_>>,
    now: Instant,
) -> Result<AttemptState, SettleError> {
    let Some((settlement, last_entry)) = decide(tx, attempt, news).await? else {
        return Ok(attempt.state.clone());
    };
    let mut writes = Writes::default();
    let settling = Settling::stored(attempt, last_entry);
    writes.add(&settling, &settlement, reference, by)?;
    writes.write(tx, now).await?;
    Ok(settlement.state)
}

/// Writes what was decided of a dispute of an attempt. The caller holds the account.
pub(super) async fn write_disputed(
    tx: &mut Tx,
    attempt: &StoredAttempt,
    settlement: &Settlement,
    (dispute, last_entry): (i64, i64),
    now: Instant,
) -> Result<(), SettleError> {
    let mut writes = Writes::default();
    let settling = Settling {
        dispute: Some(dispute),
        ..Settling::stored(attempt, last_entry)
    };
    writes.add(&settling, settlement, None, None)?;
    Ok(writes.write(tx, now).await?)
}

/// What is owed of an attempt's invoice, as a settlement reads it.
pub(super) struct Owed {
    pub balance: InvoiceBalance,
    /// What of it was given up, in minor units.
    pub written_off_minor: i64,
    /// The key of the account's last entry; 0 where there is none.
    pub last_entry: i64,
}

/// What is owed of an attempt's invoice. The caller holds the account.
pub(super) async fn owed_of(tx: &mut Tx, attempt: &StoredAttempt) -> Result<Owed, SettleError> {
    let debt = on!(&mut *tx, conn, q => q::debt_of(conn, attempt.invoice).await)?;
    let balance =
        InvoiceBalance::new(debt.total_minor, debt.allocated_minor).map_err(|source| {
            SettleError::Allocation {
                number: attempt.number.clone(),
                source,
            }
        })?;
    Ok(Owed {
        balance,
        written_off_minor: debt.written_off_minor,
        last_entry: debt.last_entry,
    })
}

pub(super) fn unsettled(attempt: &StoredAttempt, source: SettlementError) -> SettleError {
    SettleError::Settlement {
        attempt: attempt.id,
        number: attempt.number.clone(),
        source: Box::new(source),
    }
}

/// What the news of an attempt does, as all of it stands in this transaction,
/// with the key of its account's last entry; `None` where it is no news.
async fn decide(
    tx: &mut Tx,
    attempt: &StoredAttempt,
    news: &News,
) -> Result<Option<(Settlement, i64)>, SettleError> {
    let owed = owed_of(tx, attempt).await?;
    let facts = SettlementFacts {
        state: &attempt.state,
        by: attempt.by,
        amount_minor: attempt.amount_minor,
        balance: owed.balance,
        written_off_minor: owed.written_off_minor,
    };
    let settled = settle(&facts, news).map_err(|source| unsettled(attempt, source))?;
    Ok(settled.map(|settlement| (settlement, owed.last_entry)))
}
