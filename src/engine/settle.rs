//! What became of an attempt, recorded: its state, its entries in the ledger,
//! what is told of it and what it rules out, in one transaction.

use serde_json::json;

use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::{Entry, LedgerError, Movement};
use crate::domain::money::Money;
use crate::domain::payment::allocation::AllocationError;
use crate::domain::payment::{
    AttemptState, Instrument, InvoiceBalance, News, Notice, PaymentMethod, Settlement,
    SettlementError, SettlementFacts, settle,
};
use crate::engine::dunning::restore_paid;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::CallError;
use crate::store::rows::{ByPerson, FileState, NewEntry, NewNotice, StoredAttempt};
use crate::store::{StoreError, Tx};

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
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let attempt = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)?
            .ok_or(SettleError::NoAttempt(id))?;
        let state = record(&mut tx, &attempt, news, reference, None, self.clock.now()).await?;
        tx.commit().await?;
        Ok(state)
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
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let attempt = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)?
            .ok_or(SettleError::NoAttempt(id))?;
        let news = News::free(attempt.state.not_sent_by_us());
        let state = record(&mut tx, &attempt, &news, None, None, self.clock.now()).await?;
        tx.commit().await?;
        Ok(state)
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
    let (balance, written_off_minor) = balance_of(tx, attempt).await?;
    let facts = SettlementFacts {
        state: &attempt.state,
        by: attempt.by,
        amount_minor: attempt.amount_minor,
        balance,
        written_off_minor,
    };
    let settled = settle(&facts, news).map_err(|source| unsettled(attempt, source))?;
    let Some(settlement) = settled else {
        return Ok(attempt.state.clone());
    };
    write_settlement(tx, attempt, &settlement, reference, by, None, now).await?;
    Ok(settlement.state)
}

/// What is owed of an attempt's invoice, and what of it was given up, in minor
/// units. The caller holds the account.
pub(super) async fn balance_of(
    tx: &mut Tx,
    attempt: &StoredAttempt,
) -> Result<(InvoiceBalance, i64), SettleError> {
    let debt = on!(&mut *tx, conn, q => q::debt_of(conn, attempt.invoice).await)?;
    let balance =
        InvoiceBalance::new(debt.total_minor, debt.allocated_minor).map_err(|source| {
            SettleError::Allocation {
                number: attempt.number.clone(),
                source,
            }
        })?;
    Ok((balance, debt.written_off_minor))
}

pub(super) fn unsettled(attempt: &StoredAttempt, source: SettlementError) -> SettleError {
    SettleError::Settlement {
        attempt: attempt.id,
        number: attempt.number.clone(),
        source: Box::new(source),
    }
}

/// Writes what was decided of an attempt, or of a dispute of it: the state, the
/// entries, what is told and what it rules out.
pub(super) async fn write_settlement(
    tx: &mut Tx,
    attempt: &StoredAttempt,
    settlement: &Settlement,
    reference: Option<&str>,
    by: Option<ByPerson<'_>>,
    dispute: Option<i64>,
    now: Instant,
) -> Result<(), SettleError> {
    let account = attempt.invoice.account;
    // Another dispute of a payment that is taken back already changes nothing of it.
    if settlement.state != attempt.state {
        let states = (&attempt.state, &settlement.state);
        on!(&mut *tx, conn, q => {
            q::decide_attempt(conn, account, attempt.id, states, reference, now).await
        })?;
    }
    let mut last_entry = 0;
    for movement in &settlement.movements {
        let entry = Entry::new(*movement, attempt.currency)?;
        let is_of_dispute = matches!(
            movement,
            Movement::ChargebackOpened { .. } | Movement::ChargebackWon { .. }
        );
        let new = NewEntry {
            invoice: Some(attempt.invoice),
            attempt: Some(attempt.id),
            dispute: dispute.filter(|_| is_of_dispute),
            by,
            ..NewEntry::new(account, &entry, now)
        };
        last_entry = on!(&mut *tx, conn, q => q::write_entry(conn, new).await)?;
    }
    if !settlement.movements.is_empty() {
        restore_paid(&mut *tx, &[account], now).await?;
    }
    if let Some(notice) = settlement.notice {
        let notice = notice_of(notice, attempt, settlement, last_entry);
        on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
    }
    if settlement.disables_method
        && let (Instrument::Card(method) | Instrument::Sepa(method), Some(refusal)) =
            (attempt.by, settlement.state.refusal())
    {
        let state = FileState::HardDeclined {
            code: refusal.code.clone(),
        };
        on!(&mut *tx, conn, q => {
            q::set_method_state(conn, account, method, &state, now).await
        })?;
    }
    Ok(())
}

/// What is told of it. A dispute can come again, so its entry tells it apart.
fn notice_of(
    notice: Notice,
    attempt: &StoredAttempt,
    settlement: &Settlement,
    entry: i64,
) -> NewNotice {
    let topic = notice.topic();
    let id = attempt.id;
    NewNotice {
        account: attempt.invoice.account,
        key: match notice {
            Notice::ChargebackOpened | Notice::ChargebackWon => format!("{topic}:{id}:{entry}"),
            _ => format!("{topic}:{id}"),
        },
        topic,
        payload: told_of(
            id,
            &attempt.number,
            attempt.by.method(),
            Money::new(attempt.amount_minor, attempt.currency),
            &settlement.state,
        ),
    }
}

/// What is told of a payment, whoever tells it.
pub(super) fn told_of(
    payment: AttemptId,
    number: &InvoiceNumber,
    method: PaymentMethod,
    amount: Money,
    state: &AttemptState,
) -> String {
    let refusal = state.refusal();
    json!({
        "payment": payment.to_string(),
        "invoice": number.to_string(),
        "method": method.code(),
        "amount_minor": amount.minor,
        "currency": amount.currency.code(),
        "decline_code": refusal.map(|refusal| refusal.code.as_str()),
        "decline_class": refusal.map(|refusal| refusal.class.code()),
    })
    .to_string()
}
