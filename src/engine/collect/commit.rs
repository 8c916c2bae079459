//! A decided part, booked in the transaction that decided it.

use super::CollectError;
use super::facts::Open;
use crate::chance;
use crate::domain::calendar::Instant;
use crate::domain::ids::AttemptId;
use crate::domain::ledger::{Entry, Movement};
use crate::domain::payment::{AttemptEvent, AttemptState, Instrument};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{NewAttempt, NewEntry};

/// Pays an invoice, or a part of it, from its account's credit: the attempt, its
/// success and its entry stand together or not at all. The caller holds the
/// account and commits.
pub async fn pay_by_credit(
    tx: &mut Tx,
    open: &Open,
    amount_minor: i64,
    now: Instant,
) -> Result<(), CollectError> {
    let invoice = &open.invoice;
    // More than is open is refused here, whatever was decided.
    open.balance
        .allocate(amount_minor)
        .map_err(|source| CollectError::Allocation {
            number: invoice.number.clone(),
            source,
        })?;
    let attempt = NewAttempt {
        id: AttemptId::new(now, chance::bytes()?),
        invoice: invoice.key,
        by: Instrument::Credit,
        amount_minor,
        currency: invoice.currency,
        created_at: now,
    };
    let before = AttemptState::Created;
    let after = before.clone().apply(&AttemptEvent::Succeeded)?;
    let entry = Entry::new(Movement::CreditUsed { amount_minor }, invoice.currency)?;
    let account = invoice.key.account;
    on!(&mut *tx, conn, q => q::insert_attempt(conn, &attempt).await)?;
    on!(&mut *tx, conn, q => {
        q::decide_attempt(conn, account, attempt.id, &before, &after, now).await
    })?;
    let new = NewEntry {
        invoice: Some(invoice.key),
        attempt: Some(attempt.id),
        ..NewEntry::new(account, &entry, now)
    };
    on!(&mut *tx, conn, q => q::write_entry(conn, new).await)?;
    Ok(())
}
