//! A decided part, committed in the transaction that decided it: credit is paid
//! at once, a card or debit gets its attempt, to be sent afterwards.

use super::CollectError;
use super::facts::Open;
use crate::chance::Chance;
use crate::domain::calendar::Instant;
use crate::domain::ids::AttemptId;
use crate::domain::payment::plan::Part;
use crate::domain::payment::{AttemptEvent, AttemptState, Instrument, News};
use crate::engine::settle::record;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{NewAttempt, StoredAttempt};

/// Records the attempt of a part, in flight from then on. The caller holds the
/// account and commits.
pub async fn begin(
    tx: &mut Tx,
    open: &Open,
    part: &Part,
    chance: &Chance,
    now: Instant,
) -> Result<NewAttempt, CollectError> {
    let invoice = &open.invoice;
    // More than is open is refused here, whatever was decided.
    open.balance
        .allocate(part.amount_minor)
        .map_err(|source| CollectError::Allocation {
            number: invoice.number.clone(),
            source,
        })?;
    let attempt = NewAttempt {
        id: AttemptId::new(now, chance.bytes()?),
        invoice: invoice.key,
        by: part.by,
        amount_minor: part.amount_minor,
        currency: invoice.currency,
        created_at: now,
    };
    on!(&mut *tx, conn, q => q::insert_attempt(conn, &attempt).await)?;
    Ok(attempt)
}

/// Pays a part from the account's credit: the attempt, its success and its entry
/// stand together or not at all. The caller holds the account and commits.
pub async fn pay_by_credit(
    tx: &mut Tx,
    open: &Open,
    amount_minor: i64,
    chance: &Chance,
    now: Instant,
) -> Result<(), CollectError> {
    let part = Part {
        by: Instrument::Credit,
        amount_minor,
    };
    let new = begin(tx, open, &part, chance, now).await?;
    let attempt = StoredAttempt {
        id: new.id,
        invoice: new.invoice,
        external_id: open.invoice.external_id.clone(),
        number: open.invoice.number.clone(),
        by: new.by,
        amount_minor,
        currency: new.currency,
        state: AttemptState::Created,
        provider_reference: None,
        problem: None,
        created_at: now,
        decided_at: None,
    };
    let news = News::free(AttemptEvent::Succeeded);
    record(tx, &attempt, &news, None, None, now).await?;
    Ok(())
}
