//! Facts about single debits, a chunk at a time, and one chunk ahead: while the
//! database writes what was decided of one, the next is read on another connection
//! and decided.
//!
//! The other connection sees what was committed before. That is how a debit stands
//! once its account is locked, unless this very import wrote something of its
//! account: such a chunk is read in the import's own transaction, after all before
//! it is written.

use super::desk::{Booking, Desk, Progress};
use super::fact::{Fact, Lead};
use super::held::Held;
use super::{BankError, Import};
use crate::domain::ids::AttemptId;
use crate::on;
use crate::store::{Store, Tx};

impl Import {
    /// Books facts in their order, all but the writing of them: see
    /// [`Self::flush`].
    pub(super) async fn singles(
        mut self,
        tx: &mut Tx,
        facts: Vec<Fact>,
    ) -> Result<Self, BankError> {
        if facts.is_empty() {
            return Ok(self);
        }
        let ids = debits(&facts);
        on!(&mut *tx, conn, q => q::lock_accounts_of(conn, &ids).await)?;
        let Some(pending) = self.pending.take() else {
            return self.decide_in(tx, &facts, &ids).await;
        };
        let (store, desk) = (self.store.clone(), self.desk);
        let ahead = decide_ahead(store, desk, facts, ids.clone(), self.progress);
        let ahead = tokio::spawn(ahead);
        let written = pending.write(tx, &desk).await;
        // It is waited for in any case: nothing works on behind an error.
        let ahead = ahead.await.map_err(|_| BankError::Worker)?;
        written?;
        match ahead? {
            Ahead::Decided(booking, progress) => {
                self.pending = Some(*booking);
                self.progress = progress;
                Ok(self)
            }
            Ahead::Met(facts, progress) => {
                self.progress = progress;
                self.decide_in(tx, &facts, &ids).await
            }
        }
    }

    /// Reads in the import's own transaction and decides. Everything decided
    /// before is written.
    async fn decide_in(
        mut self,
        tx: &mut Tx,
        facts: &[Fact],
        ids: &[AttemptId],
    ) -> Result<Self, BankError> {
        let mut held = Held::load(tx, ids).await?;
        let booking = self.desk.decide(facts, &mut held, &mut self.progress)?;
        self.pending = Some(booking);
        Ok(self)
    }

    /// Writes what was decided last.
    pub(super) async fn flush(&mut self, tx: &mut Tx) -> Result<(), BankError> {
        match self.pending.take() {
            Some(booking) => booking.write(tx, &self.desk).await,
            None => Ok(()),
        }
    }
}

/// What became of a chunk on the other connection.
enum Ahead {
    Decided(Box<Booking>, Progress),
    /// It meets accounts that this import has written to.
    Met(Vec<Fact>, Progress),
}

async fn decide_ahead(
    store: Store,
    desk: Desk,
    facts: Vec<Fact>,
    ids: Vec<AttemptId>,
    mut progress: Progress,
) -> Result<Ahead, BankError> {
    let mut tx = store.snapshot().await?;
    on!(&mut tx, conn, q => q::look_up_by_key(conn).await)?;
    let held = Held::load(&mut tx, &ids).await;
    tx.rollback().await?;
    let mut held = match held {
        Ok(held) => held,
        // What does not add up may be what was not seen here.
        Err(BankError::Balance { .. }) => return Ok(Ahead::Met(facts, progress)),
        Err(error) => return Err(error),
    };
    if held
        .accounts()
        .any(|account| progress.touched.contains(&account))
    {
        return Ok(Ahead::Met(facts, progress));
    }
    let booking = desk.decide(&facts, &mut held, &mut progress)?;
    Ok(Ahead::Decided(Box::new(booking), progress))
}

/// The debits that facts lead to, each once.
fn debits(facts: &[Fact]) -> Vec<AttemptId> {
    let mut ids: Vec<AttemptId> = facts
        .iter()
        .filter_map(|fact| match fact.lead {
            Lead::Debit(id) => Some(id),
            Lead::Block(_) | Lead::Nowhere(_) => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
